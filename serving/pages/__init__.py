"""The marketer's pages: HTML from templates, pictures as SVG, complete without JavaScript.

routes        all pages, and how an application gets them: add_pages(app)
visit         one request: who asks, what is answered from, the policy that every page has
signin        signing in with an API key; sessions: what a cookie's token stands for
guard         errors as pages
strip         how fresh the numbers are, on every page; past: what the nightly report says of predictions that came due
customers     /customers: the ranked table; filters: the filter in its address; exports: /export
contact       /contact: how many to contact; asked: what its form asks for; numbers: how numbers may be written
segments      /segments: tiers, lifecycle stages, segments
model         /model: predicted and actual buyers, the last test, the card
one_customer  /customers/{id}; worth: what a customer is expected to bring, in words
diagnosis     /diagnosis, and plan: /plan, from the folders that the commands wrote (folders)
returning     the diagnosis's cohorts and trend; days: whether such a folder and the ranking know the same days
pictures      the charts; words: numbers and dates for people; render: templates filled in; assets: /static
kept          what was worked out from a ranking, as long as it is open
"""
