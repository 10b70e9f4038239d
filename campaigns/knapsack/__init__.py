"""At most one option for each customer, within all limits: a multiple-choice knapsack by dual prices.

problem        customers, options, resources; numbers in memory or computed block by block
limits         budget, capacity, stock, caps and tier floors as resources
solution       the plan: prices, first choices, repair, filling up; a few customers by branch and bound
prices         the smallest dual bound, by cutting planes in a box
sweep, rows    one pass over all customers; the resources as rows
moves, repair  from nearly within the limits to within all of them
core           the few customers whose choice is not clear, chosen whole once more
linear         the linear programme and the whole one by HiGHS, silence: which prints nothing
contradiction  limits that cannot all be met, by name
words          what a little more of each resource would earn
"""

from campaigns.knapsack.limits import Option, limits_of
from campaigns.knapsack.problem import Block, Problem, Resource
from campaigns.knapsack.solution import Solution, Use, solve
from campaigns.knapsack.words import shadow_prices

__all__ = ["Block", "Option", "Problem", "Resource", "Solution", "Use", "limits_of", "shadow_prices", "solve"]
