"""Has this been asked before?"""

from synthlang_router.cache.admission import Lifetimes
from synthlang_router.cache.entry import CacheEntry, CacheStore, Selection, StoreStats
from synthlang_router.cache.flights import Flights
from synthlang_router.cache.key import CacheKey, Form, Widening, make_cache_key
from synthlang_router.cache.meaning import MeaningLayer
from synthlang_router.cache.recall import Recall
from synthlang_router.cache.semantic import SemanticCache

__all__ = [
    "CacheEntry",
    "CacheKey",
    "CacheStore",
    "Flights",
    "Form",
    "Lifetimes",
    "MeaningLayer",
    "Recall",
    "Selection",
    "SemanticCache",
    "StoreStats",
    "Widening",
    "make_cache_key",
]
