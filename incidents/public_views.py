"""The one page of incidents that everybody may read: a published post-mortem's public words."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.views.decorators.http import require_safe

from incidents.domain.reviewing import Stage, Visibility
from incidents.models import PostMortem

#: Customers read French first; who reads none asks for English.
LANGUAGES = {"en": "en", "": "fr"}
#: A text that was taken back is gone from the caches between after so many seconds.
KEPT_SECONDS = 60


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what was chosen for everybody: no session is looked at, and no name is on the page."""
    language = LANGUAGES.get(request.GET.get("lang", ""), "fr")
    rows = PostMortem.objects.select_related("incident").filter(status=Stage.PUBLISHED, visibility=Visibility.PUBLIC)
    post_mortem = rows.filter(slug=slug).first()
    with translation.override(language):
        # Without the request: what stands around other pages would look at the session.
        page = render_to_string("incidents/public.html", {"post_mortem": post_mortem, "language": language})
    answer = HttpResponse(page, status=200 if post_mortem else 404)
    answer["Content-Language"] = language
    answer["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    answer["Referrer-Policy"] = "no-referrer"
    return answer
