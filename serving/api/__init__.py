"""The endpoints, one router a file.

health      /health/*: needs no key
model       /v1/model
customers   /v1/customers/{id}, /v1/customers:lookup
ranking     /v1/ranking
plan        /v1/plan/preview
exports     /v1/exports
score       /v1/score
inference   /v2/*, /invocations, /ping: other tools' ways to ask for the same
metrics     /metrics
reference   /docs
document    the OpenAPI document
"""
