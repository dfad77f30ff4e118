"""Bytes in, text out, or a refusal."""


class EncodingError(ValueError):
    """Bytes whose encoding is not sure; str(error) is the reason."""


def decode(data: bytes, declared: str = "") -> tuple[str, str]:
    """The text and the name of its encoding."""
    try:
        return data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as error:
        raise EncodingError("not UTF-8") from error
