"""The endpoints, one router a file.

health      /health/*: needs no key
model       /v1/model
customers   /v1/customers/{id}
ranking     /v1/ranking
score       /v1/score
document    the OpenAPI document
"""
