"""What people wrote as words to search for, in French and in English at once (ADR 0054).

Stop words of either language are none in both. A text is read four ways, and each of its words found by any of them:
in French with its accents and without, in English, and as it is written. No extension is needed.
"""

from django.db import migrations

#: Letters one for one, so that a place in the folded text is the same place in the text.
ACCENTED = "ÀÁÂÃÄÅàáâãäåÇçÈÉÊËèéêëÌÍÎÏìíîïÑñÒÓÔÕÖòóôõöÙÚÛÜùúûüÝýÿŸ"
PLAIN = "aaaaaaaaaaaacceeeeeeeeiiiiiiiinnoooooooooouuuuuuuuyyyy"
#: PostgreSQL takes signs beyond ASCII for letters, and what stands between `<` and `>` or around `/` and `-` for one
#: word as well.
SIGNS = "-’‘ʼ«»“”„…–—·•€\u00a0\u202f\u2009<>/\\"
WORDS = "asciiword, word, numword, asciihword, hword, numhword, hword_asciipart, hword_part, hword_numpart"

FORWARD = f"""
CREATE TEXT SEARCH DICTIONARY core_french_stop (TEMPLATE = pg_catalog.simple, STOPWORDS = french, ACCEPT = false);
CREATE TEXT SEARCH DICTIONARY core_english_stop (TEMPLATE = pg_catalog.simple, STOPWORDS = english, ACCEPT = false);
CREATE TEXT SEARCH CONFIGURATION core_french (COPY = pg_catalog.french);
ALTER TEXT SEARCH CONFIGURATION core_french
    ALTER MAPPING FOR {WORDS} WITH core_english_stop, core_french_stop, french_stem;
CREATE TEXT SEARCH CONFIGURATION core_english (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION core_english
    ALTER MAPPING FOR {WORDS} WITH core_french_stop, core_english_stop, english_stem;
CREATE TEXT SEARCH CONFIGURATION core_plain (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION core_plain
    ALTER MAPPING FOR {WORDS} WITH core_french_stop, core_english_stop, simple;

-- A text with nothing but letters, digits and the signs that PostgreSQL tells from them, place for place. What is longer
-- than a word may be is none.
CREATE FUNCTION core_letters(said text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(
    CASE WHEN octet_length(said) < 2000 THEN normalize(said)
        ELSE regexp_replace(normalize(said), '\\S{{250}}\\S*', ' ', 'g') END,
    '{SIGNS}', '{" " * len(SIGNS)}'
);

CREATE FUNCTION core_fold(said text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(said, '{ACCENTED}', '{PLAIN}');

-- The lexemes of every reading at the places of their words: a phrase is one in any language.
CREATE FUNCTION core_words(said text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT (
        to_tsvector('core_french', letters)::text
        || ' ' || to_tsvector('core_french', folded)::text
        || ' ' || to_tsvector('core_english', folded)::text
        || ' ' || to_tsvector('core_plain', folded)::text
    )::tsvector
    FROM (
        SELECT letters, replace(core_fold(letters), 'œ', 'oe') AS folded
        FROM (SELECT core_letters(said) AS letters OFFSET 0) OFFSET 0
    )
);

-- What a word, or the words of a phrase, are found by; nothing, where they are stop words.
CREATE FUNCTION core_term(said text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT phraseto_tsquery('core_french', letters)
        || phraseto_tsquery('core_french', folded)
        || phraseto_tsquery('core_english', folded)
        || phraseto_tsquery('core_plain', folded)
    FROM (
        SELECT letters, replace(core_fold(letters), 'œ', 'oe') AS folded
        FROM (SELECT core_letters(said) AS letters OFFSET 0) OFFSET 0
    )
    WHERE numnode(phraseto_tsquery('core_french', letters)) > 0
);

-- The same of a word that may not be typed to its end.
CREATE FUNCTION core_begun(said text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN core_term(said)
    || to_tsquery('core_plain', quote_literal(replace(core_fold(core_letters(said)), 'œ', 'oe')) || ':*');

-- A text with what of it was found between two marks. It is read as it stands and without accents: the marks of
-- `ts_headline` leave every other letter where it is, so whoever shows it takes both together.
CREATE FUNCTION core_marked(said text, wanted tsquery) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT ARRAY[
        ts_headline('core_french', letters, wanted, options),
        ts_headline('core_french', core_fold(letters), wanted, options),
        ts_headline('core_english', core_fold(letters), wanted, options)
    ]
    FROM (
        SELECT translate(said, E'{SIGNS.replace(chr(92), chr(92) * 2)}\x02\x03', '{" " * (len(SIGNS) + 2)}') AS letters,
            E'HighlightAll=true, StartSel="\x02", StopSel="\x03"' AS options
        OFFSET 0
    )
);
"""  # noqa: S608  # of the letters above alone
BACKWARD = """
DROP FUNCTION core_marked(text, tsquery);
DROP FUNCTION core_begun(text);
DROP FUNCTION core_term(text);
DROP FUNCTION core_words(text);
DROP FUNCTION core_fold(text);
DROP FUNCTION core_letters(text);
DROP TEXT SEARCH CONFIGURATION core_plain;
DROP TEXT SEARCH CONFIGURATION core_english;
DROP TEXT SEARCH CONFIGURATION core_french;
DROP TEXT SEARCH DICTIONARY core_english_stop;
DROP TEXT SEARCH DICTIONARY core_french_stop;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0005_access_since")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
