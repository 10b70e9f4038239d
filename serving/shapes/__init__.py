"""What is asked and what is answered, as pydantic shapes.

posted    bodies, read strictly; asked: bodies and filters of the ranking, plans and exports
schemas   answers, described field by field; schemas_plan, schemas_exports: those of plans and exports
examples  of real requests and answers, for the OpenAPI document
"""
