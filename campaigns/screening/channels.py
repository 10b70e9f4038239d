"""The channels, and the words that shops and mailing tools have for them."""

from __future__ import annotations

from features.reading.presets import fold

EMAIL, SMS, PHONE, MESSENGER, APP, POST = CHANNELS = ("email", "sms", "phone", "messenger", "app", "post")
_WORDS = {
    EMAIL: ("email", "mail", "newsletter", "edm"),
    SMS: ("sms", "text", "textmessage", "mms"),
    PHONE: ("phone", "call", "telephone", "telemarketing", "callcenter"),
    MESSENGER: (
        "messenger",
        "whatsapp",
        "telegram",
        "viber",
        "line",
        "wechat",
        "facebookmessenger",
        "signal",
    ),
    APP: ("app", "push", "inapp", "webpush", "mobilepush", "pushnotification"),
    POST: ("post", "letter", "print", "directmail", "postal", "catalogue", "catalog", "postcard"),
}
_BY_WORD = {word: channel for channel, words in _WORDS.items() for word in words}


def channel_of(word: str | None) -> str | None:
    """Return the channel that a word means, e-mail for none; None for a word that is not known."""
    folded = fold(word or "")
    return EMAIL if not folded else _BY_WORD.get(folded)
