"""What secrets are called: in settings, in variables, and in texts where a name stands before a value."""

import re

NAMES = (
    r"(?:passwo?r?d|passphrase|passcode|secret|credentials?"
    r"|(?:api|access|private|auth|signing|account|encryption|master|ssh|subscription|shared|session|deploy|hmac|service"
    r"|storage|client|license)[ _-]?key|authorization|webhook|conn(?:ection)?[ _-]?str(?:ing)?"
    # What text is split into is counted, and has names for its special ones.
    r"|(?<!eos_)(?<!bos_)(?<!pad_)(?<!unk_)(?<!sep_)(?<!cls_)(?<!mask_)(?<!max_)"
    r"token(?!i[zs]|s?[_-](?:type|id|count|len|budget)|s\b|s_per)|(?:api|access|auth|refresh|bearer|secret)[_-]?tokens)"
)
"""Words that make a secret of whatever name they are part of; for patterns that ignore capitals."""

SHORT_NAMES = (
    r"(?-i:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))(?:pwd|pass|pw|pat|dsn|cookies?|auth|jwt|sas|otp|bearer)"
    r"(?-i:(?![A-Za-z0-9]))"
)
"""Words that are secrets where they stand alone, or at the end of a name: `db_pass`, `dbPass`, but no `passes`."""

_SECRET_KEY = re.compile(rf"(?i)(?:{NAMES}|{SHORT_NAMES}$)")
_SECRET_VARIABLE = re.compile(r"(?i)(?:^|_)keys?(?:_|$)")
"""Variables called so hold keys, such as `STRIPE_KEY`; settings may be keys of other things."""

_STRICT = re.compile(r"(?i)passw|passphrase|passcode|secret|api[_-]?key|(?:^|[_.-])(?:pwd|pw|pin|otp)$")
_NOT_SECRET = frozenset({"PWD", "OLDPWD"})


def is_secret_key(key: str) -> bool:
    """Whether a setting that is called so is a secret."""
    return _SECRET_KEY.search(key) is not None


def is_secret_number_key(key: str) -> bool:
    """Whether even a number is a secret in a setting that is called so: a token or an account may well be counted."""
    return _STRICT.search(key) is not None


def is_secret_variable(name: str) -> bool:
    """Whether a variable that is called so holds a secret."""
    return name not in _NOT_SECRET and bool(_SECRET_KEY.search(name) or _SECRET_VARIABLE.search(name))
