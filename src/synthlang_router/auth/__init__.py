"""Who asks, and may they ask now?"""

from synthlang_router.auth.asks import LimitScopes
from synthlang_router.auth.budgets import Balance, Budget, BudgetAlert, BudgetLedger
from synthlang_router.auth.gate import Gate
from synthlang_router.auth.keyring import Keyring
from synthlang_router.auth.keys import ApiKey, KeySnapshot, KeyStore, digest_key
from synthlang_router.auth.limits import Admission, Ask, Rate, RateLimiter, Verdict, next_arrival
from synthlang_router.auth.minting import Imported, KeyPlan, generate_key, import_key, import_keys
from synthlang_router.auth.permit import Permit, Reservation
from synthlang_router.auth.reserving import BudgetScopes, Reserver
from synthlang_router.auth.spending import Tariff

__all__ = [
    "Admission",
    "ApiKey",
    "Ask",
    "Balance",
    "Budget",
    "BudgetAlert",
    "BudgetLedger",
    "BudgetScopes",
    "Gate",
    "Imported",
    "KeyPlan",
    "KeySnapshot",
    "KeyStore",
    "Keyring",
    "LimitScopes",
    "Permit",
    "Rate",
    "RateLimiter",
    "Reservation",
    "Reserver",
    "Tariff",
    "Verdict",
    "digest_key",
    "generate_key",
    "import_key",
    "import_keys",
    "next_arrival",
]
