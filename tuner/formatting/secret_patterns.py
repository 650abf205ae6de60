"""What secrets look like in texts: passwords in URLs, headers, options and assignments, keys of known services.

Each pattern takes time in proportion to the text: what may be of any length is never searched from each place anew,
and what stands before or after a mark is bounded. A trial may raise whatever it likes.
"""

import re
from collections.abc import Iterator

from tuner.formatting.secret_names import NAMES, SHORT_NAMES

HIDDEN = "***"

_I = re.IGNORECASE
_QUOTED = (
    r"(?:[bBuUrRfF]{1,2}(?=['\"]))?(?:\"\"\"(?s:.*?)(?:\"\"\"|\Z)|'''(?s:.*?)(?:'''|\Z)"
    r"|(?P<quote>\\{0,15}['\"])(?:(?!(?<!\\)(?P=quote))[^\n])*(?:(?<!\\)(?P=quote)|(?=\n)|\Z))"
)
"""A text in quotes, however often it was quoted again, or to the end of the line."""
_SEPARATOR = r"[&,;'\"(){}\[\]<>\\]"
_BARE = (
    rf"(?:[^\s&,;'\"(){{}}\[\]<>\\]|{_SEPARATOR}(?!\s|\Z|['\"]|[)}}\]>,;]|[\w.-]{{1,60}}\\{{0,15}}['\"]?\s?[=:]|n\s))+"
)
"""A text without quotes: it continues behind a comma or bracket, unless something else begins there."""
_BRACKETS = (
    r"(?:\[[^\]\n]{0,2000}(?:\]|(?=\n)|\Z)|\((?!\))[^)\n]{0,2000}(?:\)|(?=\n)|\Z)|\{[^}\n]{0,2000}(?:\}|(?=\n)|\Z))"
)
_BLOCK = r"[|>][+-]?[ \t]*\n[ \t]*[^\n]+"
_NOTHING = r"(?!-?\d{1,6}(?:\.\d+)?(?:[\s,;)}\]]|\Z)|(?:None|null|true|false)\b|\*\*\*)"
_VALUE = rf"(?:{_QUOTED}|{_BLOCK}|\w{{0,40}}{_BRACKETS}|{_BARE})"
_CALLED = rf"(?:(?:{NAMES})[\w-]{{0,40}}|{SHORT_NAMES}|(?-i:(?<=[A-Z0-9]_)KEYS?(?![A-Za-z0-9_])))"
_SIGN = r"\\{0,15}['\"]?\]?(?:\s(?:provided|given|used))?\s{0,20}(?:=>|:=|[=:])\s{0,20}"
_PORT = r"(?!\d+(?:[/\s'\"?,;)]|\Z))"
_PEM = r"(?:RSA |DSA |EC |OPENSSH |ENCRYPTED |PGP |ANY |SSH2 ENCRYPTED )?PRIVATE KEY(?: BLOCK)? ?-{4,5}"

_PATTERNS = tuple(
    (re.compile(pattern), with_what)
    for pattern, with_what in (
        (rf"(?s)-{{4,5}} ?BEGIN {_PEM}.*?(?:-{{4,5}} ?END {_PEM}|\Z)", HIDDEN),
        # Passwords in URLs, with / in them, then with spaces and quotes; their slashes may be escaped.
        (r"(?:(?<=//)|(?<=\\/\\/))[^/\s'\"<>]{1,2000}@", f"{HIDDEN}@"),
        (rf"(?:(?<=//)|(?<=\\/\\/))[^/\s:@'\"<>]{{0,200}}:{_PORT}[^\s]{{1,400}}@", f"{HIDDEN}@"),
        (rf"(?:(?<=//)|(?<=\\/\\/))[^/\s:@'\"<>]{{1,200}}:(?!\s){_PORT}[^\n/@'\"<>]{{1,80}}@", f"{HIDDEN}@"),
        (r"(?i)(%3A%2F%2F)(?:[^\s'\"<>&%]|%(?!2F)){1,2000}%40", rf"\1{HIDDEN}%40"),
        (r"(?i)(:thin:\w{1,60}/)[^@\s]{1,400}@", rf"\1{HIDDEN}@"),
        (r"(?<![\w/.:@+-])[\w.+-]{1,64}:(?!//)[^\s@'\"/:,;=<>()]{4,200}@(?=[\w\[])", f"{HIDDEN}@"),
        # Headers, with whatever scheme
        (
            (
                rf"(?i)(\b(?:proxy-)?authorization\b\\{{0,15}}['\"]?\s{{0,20}}[=:,]\s{{0,20}})"
                rf"(?:{_QUOTED}|[^\n'\"]*(?:(?:(?<==)|(?<==\\))\"[^\"\n]*\"[^\n'\"]*)*)"
            ),
            rf"\1{HIDDEN}",
        ),
        (rf"(?i)(\b(?:set-)?cookie\\{{0,15}}['\"]?\s{{0,20}}[=:,]\s{{0,20}})(?:{_QUOTED}|[^'\"\n]+)", rf"\1{HIDDEN}"),
        (rf"(?i)(\bx-auth[\w-]{{0,40}}\\{{0,15}}['\"]?\s{{0,20}}[=:,]\s{{0,20}})(?:{_QUOTED}|\S+)", rf"\1{HIDDEN}"),
        (r"(?i)\b(bearer)\s+[\w.~+/=-]{6,}", rf"\1 {HIDDEN}"),
        (r"(?i)\b(basic)\s+(?=[A-Za-z+/]{0,200}[\d=])[A-Za-z0-9+/]{8,}={0,2}", rf"\1 {HIDDEN}"),
        # Signatures of URLs
        (r"(?i)((?:signature|(?<![a-z])sig)=)[^\s&'\"<>]{6,}", rf"\1{HIDDEN}"),
        (r"(?i)((?:[?&#]|&amp;)(?:[a-z]{1,20}[_-])?(?:code|key)=)[^\s&'\"<>]{6,}", rf"\1{HIDDEN}"),
        # What is called a secret: assigned, beside its name in a pair, as an option, an element, in words
        (rf"(?i)({_CALLED}{_SIGN}){_NOTHING}{_VALUE}", rf"\1{HIDDEN}"),
        (rf"(?i)({_CALLED}\\{{0,15}}['\"]\s{{0,20}},\s{{0,20}}){_QUOTED}", rf"\1{HIDDEN}"),
        (
            rf"(?i)((?<![\w-])--?(?:[\w]{{1,30}}-){{0,4}}{_CALLED}\s{{1,20}})(?!-){_NOTHING}(?:{_QUOTED}|[^\s'\"]+)",
            rf"\1{HIDDEN}",
        ),
        (rf"(?i)({_CALLED}>)[^<\s][^<]{{0,400}}(?=</)", rf"\1{HIDDEN}"),
        (
            rf"(?i)((?:passwo?r?d|passphrase|secret|api[ _-]?key|identified by)\s{{1,20}}(?:is\s|was\s)?){_QUOTED}",
            rf"\1{HIDDEN}",
        ),
        (r"(?i)(\blogin\s{1,20}\S{1,200}\s{1,20}password\s{1,20})\S+", rf"\1{HIDDEN}"),
        # Options of known programs
        (
            r"((?<![\w-])(?:-u|-U|--user|--proxy-user)[\s'\",=]{1,10}[^\s:'\"]{1,64}:)[^\s'\"]+",
            rf"\1{HIDDEN}",
        ),
        (
            (
                r"(\b(?:mysql\w{0,20}|mariadb[\w-]{0,20}|sshpass|redis-cli|ldap\w{1,20})\b[^\n]{0,200}?\s['\"]?-[paw]['\",\s]{0,10})"
                r"[^\s'\",-][^\s'\"]*"
            ),
            rf"\1{HIDDEN}",
        ),
        # Addresses that are secrets themselves
        (
            (
                r"(?i)((?:hooks\.slack\.com/\w{1,20}|/webhooks?\w{0,5}|webhook\.office\.com/\w{1,20}|api\.telegram\.org)/(?:bot)?)"
                r"[\w/:@.-]+"
            ),
            rf"\1{HIDDEN}",
        ),
        # Keys of services, by how they begin
        (
            (
                r"\b(?:sk-[\w-]{16,}|[rs]k_(?:live|test)_\w{10,}|whsec_\w{16,}|gh[opsur]_\w{20,}|github_pat_\w{20,}"
                r"|gl(?:pat|rt|dt|ptt|cbt|ft|soat|agent|imt)-[\w-]{16,}|xox[abceoprs]-[\w-]{10,}|xapp-[\w-]{16,}"
                r"|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,}|GOCSPX-[\w-]{16,}|ya29\.[\w-]{16,}|1//0[\w-]{30,}|hf_\w{20,}|pypi-[\w-]{16,}"
                r"|npm_\w{20,}|do[op]_v1_\w{20,}|SG\.[\w-]{16,64}\.[\w-]{16,}|hv[bs]\.[\w-]{16,}|gsk_\w{20,}|xai-[\w-]{20,}|pplx-\w{20,}"
                r"|nvapi-[\w-]{16,}|dckr_pat_[\w-]{16,}|shp(?:at|ca|pa|ss)_\w{16,}|r8_\w{20,}|dapi[0-9a-f]{32}|tskey-[\w-]{16,}"
                r"|AGE-SECRET-KEY-\w{20,}|ATATT3\w[\w=-]{16,}|ATBB\w{20,}|lin_(?:api|oauth)_\w{16,}|wandb_v1_\w{16,}|sq0\w{3}-[\w-]{16,}"
                r"|ops_ey[\w-]{16,}|[SA][KC][0-9a-f]{32}|figd_[\w-]{16,}|key-[0-9a-f]{32}|vercel_\w{16,}|sbp_[0-9a-f]{20,}|pul-[0-9a-f]{40}"
                r"|\d{8,10}:AA[\w-]{33}|eyJ(?:[\w-]{6,}(?:\.[\w-]*){1,4}|[\w+/-]{24,}={0,2}))"
            ),
            HIDDEN,
        ),
    )
)

_IN_VALUES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?i){_CALLED}{_SIGN}{_NOTHING}(?P<secret>{_VALUE})",
        r"(?i)(?:signature|(?<![a-z])sig)=(?P<secret>[^\s&'\"<>]{6,})",
    )
)
_URL_USER = re.compile(
    r"(?:(?<=//)|(?<=\\/\\/))(?:[^/\s'\"<>]{1,2000}@|[^/\s:@'\"<>]{0,200}:" + _PORT + r"[^\s]{1,400}@)"
)


def without_patterns(text: str) -> str:
    """Return a text in which whatever looks like a secret is `***`."""
    for pattern, with_what in _PATTERNS:
        text = pattern.sub(with_what, text)
    return text


def users_in(text: str) -> Iterator[str]:
    """Yield who is named in the URLs of a text, with passwords, as in `me:pa55`."""
    for user in _URL_USER.findall(text):
        yield user.removesuffix("@")


def secrets_in(text: str) -> Iterator[str]:
    """Yield what is called a secret within a text, such as `key=value` pairs that describe a connection."""
    for pattern in _IN_VALUES:
        for found in pattern.finditer(text):
            yield found["secret"].strip("'\"{}[]()\\")
