"""What stands between the network and the answers.

gate     the outermost layer: limits, strict headers, request ids, no exception that gets out
access   who may do what: keys with scopes (keys), rates (limits)
guard    what one process holds of all this
audit    who asked what, without personal data; logs, metrics, traces: what an operator sees
"""
