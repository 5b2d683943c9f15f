"""Who asks, and may they ask now?"""

from synthlang_router.auth.gate import Gate
from synthlang_router.auth.keyring import Keyring
from synthlang_router.auth.keys import ApiKey, KeySnapshot, KeyStore, digest_key
from synthlang_router.auth.limits import Admission, Ask, Rate, RateLimiter, Verdict, next_arrival
from synthlang_router.auth.minting import Imported, KeyPlan, generate_key, import_key, import_keys
from synthlang_router.auth.permit import Permit, Reservation

__all__ = [
    "Admission",
    "ApiKey",
    "Ask",
    "Gate",
    "Imported",
    "KeyPlan",
    "KeySnapshot",
    "KeyStore",
    "Keyring",
    "Permit",
    "Rate",
    "RateLimiter",
    "Reservation",
    "Verdict",
    "digest_key",
    "generate_key",
    "import_key",
    "import_keys",
    "next_arrival",
]
