"""Names of months, long and short, as people write them in the languages that pages speak and a few beside them."""

from __future__ import annotations

ENGLISH = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)

_LONG = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "ar": "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
}
_SHORT = {
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "de": "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "fr": "janv févr mars avr mai juin juil août sept oct nov déc",
    "es": "ene feb mar abr may jun jul ago sept oct nov dic",
    "it": "gen feb mar apr mag giu lug ago set ott nov dic",
    "pt": "jan fev mar abr mai jun jul ago set out nov dez",
    "nl": "jan feb mrt apr mei jun jul aug sep okt nov dec",
    "pl": "sty lut mar kwi maj cze lip sie wrz paź lis gru",
    "ar": "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
}
# Other names of single months: (language, month) -> as they are also written.
ALSO = {
    ("en", 9): ("Sept",),
    ("de", 1): ("Jänner", "Jän"),
    ("de", 2): ("Feber",),
    ("de", 3): ("Mrz",),
    ("de", 9): ("Sept",),
    ("fr", 2): ("fév",),
    ("fr", 7): ("juill", "jul"),
    ("es", 9): ("setiembre", "sep", "set"),
    ("es", 8): ("ag",),
    ("it", 9): ("sett",),
    ("nl", 3): ("maa",),
    ("pl", 9): ("wrze",),
    ("pl", 10): ("paźdz",),
    ("pl", 12): ("grudz",),
    # As they are called in the Levant and Iraq, and in Algeria and Tunisia.
    ("ar", 1): ("كانون الثاني", "جانفي"),
    ("ar", 2): ("شباط", "فيفري"),
    ("ar", 3): ("آذار",),
    ("ar", 4): ("نيسان", "أفريل", "ابريل"),
    ("ar", 5): ("أيار", "ماي"),
    ("ar", 6): ("حزيران", "جوان"),
    ("ar", 7): ("تموز", "جويلية"),
    ("ar", 8): ("آب", "أوت", "اغسطس"),
    ("ar", 9): ("أيلول",),
    ("ar", 10): ("تشرين الأول", "اكتوبر"),
    ("ar", 11): ("تشرين الثاني",),
    ("ar", 12): ("كانون الأول",),
}
LONG = {language: tuple(names.split()) for language, names in _LONG.items()}
SHORT = {language: tuple(names.split()) for language, names in _SHORT.items()}
LANGUAGES = tuple(LONG)
