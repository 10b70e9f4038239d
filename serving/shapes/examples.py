"""Examples of the OpenAPI document: what the service says about CDNOW, a real shop of 1997 and 1998 (shortened)."""

from __future__ import annotations

from typing import Any

Example = dict[str, Any]

CUSTOMER: Example = {
    "customer_id": "03015",
    "as_of": "1998-06-30",
    "rank": 1436,
    "percentile": 93.91,
    "p_alive": 0.6275,
    "p_repurchase_90d": 0.3899,
    "expected_orders_90d": 0.6748,
    "expected_value_90d": 31.84,
    "value_lower_90d": 0.0,
    "value_upper_90d": 57.5,
    "clv": 127.08,
    "clv_lower": 0.0,
    "clv_upper": 224.61,
    "clv_variance": 24927.52,
    "next_order_p10": "1998-07-09",
    "next_order_p50": "1998-08-27",
    "next_order_p90": "1998-12-13",
    "tier": "cultivate",
    "lifecycle": "declining",
    "segment": "champions",
    "country": None,
    "confidence": "medium",
    "confidence_reason": "the value is usually off by 125% to 250%",
    "recency_days": 144,
    "frequency": 8,
    "monetary_value": 47.43,
    "model": "mbgcnbdk + lightgbm, extrapolated beyond 180d",
    "model_version": "2adfbb6943dd",
    "currency": "USD",
    "scored_at": "1998-07-01T04:00:00Z",
    "valid_until": "1998-07-07",
    "curve": {
        "days": [7, 14, 30, 60, 90, 120, 180, 270, 365],
        "p_repurchase": [0.04741, 0.09077, 0.1754, 0.3033, 0.3899, 0.4604, 0.547, 0.5815, 0.5865],
    },
    "p_repurchase_45d": 0.242,
    "history": {
        "order_days": 9,
        "last_order": "1998-02-06",
        "amount_per_order_day": 47.43,
        "first_order": "1997-01-12",
        "amount": 426.89,
        "mean_gap_days": 48.75,
        "recent": [{"day": "1998-02-06", "amount": 63.66}, {"day": "1997-12-15", "amount": 12.49}],
    },
    "reasons": {
        "horizon_days": 90,
        "usual_probability": 0.07144,
        "items": [
            {
                "text": "last order 144 days ago",
                "direction": "raises",
                "strength": "strong",
                "points": 21.82,
                "contribution_logit": 1.13,
                "group": "last order",
                "feature": "recency_days",
                "value": 144.0,
            },
            {
                "text": "ordered on 9 days in all",
                "direction": "raises",
                "strength": "some",
                "points": 11.01,
                "contribution_logit": 0.4977,
                "group": "orders so far",
                "feature": "frequency",
                "value": 8.0,
            },
        ],
    },
}
LOOKUP_REQUEST: Example = {
    "customer_ids": ["03015", "no-such-customer", "21443"],
    "columns": ["p_repurchase_90d", "expected_value_90d", "tier"],
}
LOOKUP: Example = {
    "model_version": "2adfbb6943dd",
    "as_of": "1998-06-30",
    "scored_at": "1998-07-01T04:00:00Z",
    "valid_until": "1998-07-07",
    "currency": "USD",
    "items": [
        {
            "customer_id": "03015",
            "rank": 1436,
            "p_repurchase_90d": 0.3899,
            "expected_value_90d": 31.84,
            "tier": "cultivate",
        },
        {
            "customer_id": "21443",
            "rank": 1447,
            "p_repurchase_90d": 0.4098,
            "expected_value_90d": 31.66,
            "tier": "cultivate",
        },
    ],
    "not_found": [1],
}
RANKING: Example = {
    "model_version": "2adfbb6943dd",
    "as_of": "1998-06-30",
    "scored_at": "1998-07-01T04:00:00Z",
    "valid_until": "1998-07-07",
    "currency": "USD",
    "customers": 23570,
    "items": [
        {
            "customer_id": "22061",
            "rank": 10,
            "percentile": 99.96,
            "p_alive": 0.9617,
            "p_repurchase_90d": 0.9483,
            "expected_orders_90d": 16.47,
            "expected_value_90d": 479.44,
            "value_lower_90d": 226.79,
            "value_upper_90d": 770.38,
            "clv": 1845.35,
            "clv_lower": 1031.42,
            "clv_upper": 2999.33,
            "clv_variance": 648500.18,
            "next_order_p10": "1998-07-01",
            "next_order_p50": "1998-07-05",
            "next_order_p90": "1998-07-18",
            "tier": "focus",
            "lifecycle": "declining",
            "segment": "champions",
            "country": None,
            "confidence": "high",
            "confidence_reason": "orders steadily: the value is usually off by 125% or less",
            "recency_days": 11,
            "frequency": 115,
            "monetary_value": 34.04,
            "model": "mbgcnbdk + lightgbm, extrapolated beyond 180d",
        }
    ],
    "next": "9e79debd9249-edb1c354-12",
    "count": 239,
}
SCORE: Example = {
    "model_version": "2adfbb6943dd",
    "as_of": "1998-04-01",
    "scored_at": "1998-07-01T04:00:00Z",
    "valid_until": "1998-04-08",
    "currency": "USD",
    "as_of_from": "request",
    "horizons": [90],
    "scores": [
        {
            "customer_id": "A-17",
            "p_alive": 0.5628,
            "clv": 15.65,
            "clv_lower": 0.0,
            "clv_upper": 32.26,
            "clv_variance": 1244.66,
            "next_order_p10": "1998-04-20",
            "next_order_p50": "1998-07-29",
            "next_order_p90": "1999-01-25",
            "tier": None,
            "lifecycle": None,
            "segment": None,
            "country": None,
            "confidence": "low",
            "confidence_reason": "unlikely to order: the value is usually off by over 250%",
            "recency_days": 242,
            "frequency": 1,
            "monetary_value": 21.66,
            "model": "mbgcnbdk + lightgbm",
            "curve": {
                "days": [7, 14, 30, 60, 90, 120, 180, 270, 365],
                "p_repurchase": [0.01421, 0.02688, 0.05294, 0.09827, 0.1379, 0.1747, 0.23, 0.2952, 0.3446],
            },
            "p_repurchase_90d": 0.1379,
            "expected_orders_90d": 0.1643,
            "expected_value_90d": 4.11,
            "value_lower_90d": 0.0,
            "value_upper_90d": 4.11,
        }
    ],
    "not_scored": [],
}
MODEL: Example = {
    "model_version": "2adfbb6943dd",
    "model_as_of": "1998-06-30",
    "as_of": "1998-06-30",
    "scored_at": "1998-07-01T04:00:00Z",
    "valid_until": "1998-07-07",
    "currency": "USD",
    "timezone": "UTC",
    "horizons": [30, 90, 180, 365],
    "model_age_days": 1,
    "stale": False,
    "trained_on": {
        "customers": 23570,
        "first_day": "1997-01-01",
        "data_cutoff": "1998-06-30",
        "cutoffs": ["1998-05-01", "1998-05-31"],
        "data_fingerprint": "4b650de642257d0a",
    },
    "backtest_days": 90,
    "backtest_customers": 23570,
    "metrics": {"auc": 0.8394, "log_loss": 0.2959, "top_decile_lift": 4.2, "value_gini": 0.7848},
    "calibration": {
        "calibration_error": 0.008937,
        "level_bias": 0.03131,
        "orders_bias": 0.02502,
        "value_bias": 0.1096,
    },
    "compared_with": {
        "mbgnbd": {"auc": 0.8338, "log_loss": 0.3009},
        "recency": {"auc": 0.828, "log_loss": 0.3292},
    },
    "features": [
        {
            "name": "active_months",
            "description": "How many of the last 6 stretches of 30 days had an order.",
            "unit": "months",
        },
        {
            "name": "active_weeks",
            "description": "How many of the last 5 weeks had an order.",
            "unit": "weeks",
        },
    ],
    "versions": {
        "lifetimes": "0.11.3",
        "lightgbm": "4.7.0",
        "numpy": "2.4.6",
        "repurchase": "0.1.0",
        "scikit-learn": "1.9.1",
        "scipy": "1.17.1",
    },
    "drift": {
        "flagged": False,
        "reasons": [],
        "known": False,
        "why": "the model's bundle holds no reference: train it again",
    },
    "missing": [
        (
            "Whether the base still looks like the training data is not known: the model's "
            "bundle holds no reference: train it again."
        )
    ],
    "card": {
        "model_version": "2adfbb6943dd",
        "model": "ensemble",
        "parts": "mbgcnbdk + lightgbm",
        "currency": "USD",
        "horizon": 90,
    },
    "ranking": {
        "model_version": "2adfbb6943dd",
        "as_of": "1998-06-30",
        "scored_at": "1998-07-01T04:00:00Z",
        "valid_until": "1998-07-07",
        "currency": "USD",
        "customers": 23570,
        "horizons": [30, 90, 180, 365],
    },
}
PLAN_REQUEST: Example = {
    "contact_cost": 0.05,
    "margin": 0.4,
    "customers": 500,
    "offers": [{"name": "message"}, {"name": "discount_10"}],
    "filters": {"tier": ["focus", "cultivate"]},
}
PLAN: Example = {
    "model_version": "2adfbb6943dd",
    "as_of": "1998-06-30",
    "scored_at": "1998-07-01T04:00:00Z",
    "valid_until": "1998-07-07",
    "currency": "USD",
    "response_days": 30,
    "contact_cost": 0.05,
    "margin": 0.4,
    "customers_considered": 11567,
    "chosen": {
        "contacted": 500,
        "cost": 28.67,
        "buyers": 26.36,
        "added": 2.46,
        "revenue": 3017.41,
        "profit": 76.79,
        "profit_low": 25.02,
        "profit_high": 128.56,
    },
    "best": {
        "contacted": 7597,
        "cost": 384.34,
        "buyers": 683.03,
        "added": 34.86,
        "revenue": 33683.98,
        "profit": 293.55,
        "profit_low": -44.23,
        "profit_high": 631.33,
    },
    "break_even": None,
    "curve": [
        {
            "contacted": 0,
            "cost": 0.0,
            "buyers": 0.0,
            "added": 0.0,
            "revenue": 0.0,
            "profit": 0.0,
            "profit_low": 0.0,
            "profit_high": 0.0,
        },
        {
            "contacted": 500,
            "cost": 28.67,
            "buyers": 26.36,
            "added": 2.46,
            "revenue": 3017.41,
            "profit": 76.79,
            "profit_low": 25.02,
            "profit_high": 128.56,
        },
        {
            "contacted": 7597,
            "cost": 384.34,
            "buyers": 683.03,
            "added": 34.86,
            "revenue": 33683.98,
            "profit": 293.55,
            "profit_low": -44.23,
            "profit_high": 631.33,
        },
        {
            "contacted": 11567,
            "cost": 582.84,
            "buyers": 1420.45,
            "added": 51.11,
            "revenue": 55515.89,
            "profit": 252.93,
            "profit_low": -163.79,
            "profit_high": 669.64,
        },
    ],
    "offers": [
        {"name": "message", "label": "Message without an offer", "customers": 483},
        {"name": "discount_10", "label": "10 % discount", "customers": 17},
    ],
    "customers": [
        {
            "customer_id": "18847",
            "rank": 2781,
            "offer": "message",
            "p_without_contact": 0.01089,
            "expected_profit": 1.05,
        },
        {
            "customer_id": "14894",
            "rank": 10689,
            "offer": "message",
            "p_without_contact": 0.00143,
            "expected_profit": 0.6239,
        },
    ],
    "assumptions": [
        (
            "Message without an offer: one contact is assumed to convert 0.5% of those who "
            "would not have bought (Hillstrom e-mail test 2008: .003 and .007 within two "
            "weeks; assumed to hold elsewhere)."
        ),
        (
            "10 % discount: one contact is assumed to convert 1.0%, declining 1.2%, lost 0.6%"
            " of those who would not have bought (assumption: twice a plain message, less for"
            " the lost)."
        ),
        (
            "The range is what half and one and a half times of the assumed effect would "
            "earn; chances are as scored."
        ),
        (
            "Left out here, but not in `repurchase plan`: consent and addresses, channels and"
            " weeks, how often customers may be contacted, which offers a lifecycle stage may"
            " get, and a control group to measure what was won."
        ),
    ],
}
EXPORT_REQUEST: Example = {
    "format": "csv",
    "filters": {"tier": ["focus"]},
    "columns": ["customer_id", "p_repurchase_90d", "expected_value_90d"],
    "limit": 1000,
}
EXPORT: Example = {
    "model_version": "2adfbb6943dd",
    "as_of": "1998-06-30",
    "scored_at": "1998-07-01T04:00:00Z",
    "valid_until": "1998-07-07",
    "currency": "USD",
    "id": "3c278781a9210e819e7123e28efcf788",
    "state": "done",
    "format": "csv",
    "created_at": "1998-07-01T06:00:00Z",
    "finished_at": "1998-07-01T06:00:01Z",
    "expires_at": "1998-07-02T06:00:00Z",
    "rows": 1000,
    "suppressed": 0,
    "unreachable": 0,
    "bytes": 46218,
    "sha256": "e45858b45c94c85b59c7203c6da89fe14bff693b57772c7e64c877baeccb2615",
    "file": "/v1/exports/3c278781a9210e819e7123e28efcf788/file",
    "notes": [],
    "error": None,
}
