from django.urls import path

from flags.views import environments, explain, flags, promotion, reach, removal, rules, segments, sites, tokens

app_name = "flags"
urlpatterns = [
    path("flags/", flags.list_all, name="list"),
    path("flags/removal/", removal.list_all, name="removal"),
    path("flags/<str:key>/", flags.show, name="detail"),
    path("flags/<str:key>/edit/", flags.edit, name="edit"),
    path("flags/<str:key>/switch/", flags.switch, name="switch"),
    path("flags/<str:key>/explain/", explain.show, name="explain"),
    path("flags/<str:key>/rule/", rules.add, name="rule"),
    path("flags/<str:key>/reach/<str:environment>/", reach.show, name="reach"),
    path("flags/<str:key>/shelf/<slug:action>/", flags.shelve, name="shelve"),
    path("flags/<str:key>/keep/", removal.keep, name="keep"),
    path("flags/<str:key>/promote/", promotion.show, name="promote"),
    path("new-flag/", flags.create, name="new"),
    path("rules/<int:pk>/edit/", rules.edit, name="rule_edit"),
    path("rules/<int:pk>/<slug:action>/", rules.change, name="rule_change"),
    path("environments/", environments.list_all, name="environments"),
    path("environments/<str:key>/", environments.edit, name="environment_edit"),
    path("new-environment/", environments.create, name="environment_new"),
    path("segments/", segments.list_all, name="segments"),
    path("segments/<str:key>/", segments.show, name="segment"),
    path("segments/<str:key>/edit/", segments.edit, name="segment_edit"),
    path("segments/<str:key>/add/", segments.add, name="member_add"),
    path("segments/<str:key>/remove/", segments.remove, name="member_remove"),
    path("segments/<str:key>/delete/", segments.delete, name="segment_delete"),
    path("new-segment/", segments.create, name="segment_new"),
    path("sites/", sites.list_all, name="sites"),
    path("sites/<str:key>/", sites.show, name="site"),
    path("sites/<str:key>/edit/", sites.edit, name="site_edit"),
    path("sites/<str:key>/tills/", sites.add_till, name="till_add"),
    path("sites/<str:key>/days/", sites.add_days, name="site_days_add"),
    path("sites/<str:key>/days/remove/", sites.remove_days, name="site_days_remove"),
    path("new-site/", sites.create, name="site_new"),
    path("tokens/", tokens.tokens, name="tokens"),
]
