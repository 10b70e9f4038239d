"""Generated worlds with known truth, to be held against the best possible score (experiments/oracle.py).

    drawn = draw("seasonal", customers=20_000, seed=1)
    lines, bought = drawn.lines(until=drawn.world.as_of), drawn.bought(90)

In every world a customer has a rate of their own (gamma), orders at the times of a renewal process, and leaves for
good with a chance of their own after an order (beta) or at any time (exponential). Time runs in busy days, which
pass faster where the whole shop is busy. What is true of the population is the World; what is true of one customer
stays inside `draw`. Each order is one line at its exact time, so that "at least one order day in D+1 ... D+h" is the
same as "at least one order in the h days after the end of D", and the same history means the same times.

bgnbd      BG/NBD (Fader, Hardie and Lee 2005): may leave after every order but the first
paretonbd  Pareto/NBD (Schmittlein, Morrison and Colombo 1987): leaves at a rate of their own
regular    MBG/CNBD-3 (Platzer and Reutterer 2016): gaps of three gamma stages; may leave after the first order too
seasonal   BG/NBD in busy days: Christmas is twice an even day, summer a trough, the same every year. As of AS_OF
           Christmas lies ahead and two are known; days=500 shows one, days=250 none
shifting   BG/NBD whose newer customers order at .6 of the oldest's rates and leave more readily, while the level of
           all rates falls by 40 % over the year up to the as-of day and stays there
rhythms    as `regular`, but half of the customers have one stage, a third three and a sixth eight
drifting   as `shifting`, but the level goes on falling by 40 % a year

The true population parameters up to the cutoff are: every cohort's distributions up to that day, the level of every
day up to it, and the law by which the level goes on: as in every year (seasonal), unchanged (shifting), falling at
the same yearly rate (drifting). No chance enters the level, so this is all that can be known of the days to come.
The hour of an order is all that the times add to the order days: without it the oracle keeps .999 of its AUC gain.
"""

from experiments.known_worlds.drawing import Drawn, draw
from experiments.known_worlds.laws import AS_OF, DAYS, ISSUE_WORLDS, LAWS, AnyTime, AtOrders, Law, World

__all__ = ["AS_OF", "DAYS", "ISSUE_WORLDS", "LAWS", "AnyTime", "AtOrders", "Drawn", "Law", "World", "draw"]
