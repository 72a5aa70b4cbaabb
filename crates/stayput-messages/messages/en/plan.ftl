# A plan as text: its headings, what it does to packets, and the line of verdict.

plan-title = Plan: { $goal } ({ $estate })
plan-nothing-to-do = Nothing to do: this is so already.
plan-more-steps = … and { $more } more
plan-to-know = To know:
plan-outages = Expected outage (estimated, not measured in a real estate):
plan-outage-of-a-step = { $network }: { $about }, during step { $step }
plan-outage = { $network }: { $about }, from step { $opens } to step { $closes }
about-seconds = about { $seconds } s
about-minutes = about { $minutes } min
about-hours = about { $hours } h

effect = { $whose }: { n-addresses } { $ranges }: { $what }
shift = { $from } → { $to }
shift-of-path = { $from } → { $to } by another path
sources-more = { $first } and { $others } others

proof = proof: { n-classes } × { n-states }: { $loops }, { $site }, { $holes }
proof-no-loops = no loops
proof-no-new-loops = no new loops
proof-no-wrong-site = no route change leads to a wrong site
proof-wrong-site = route changes lead packets of { $sources } to a wrong site (lost before)
proof-holes = { $holes ->
        [0] no holes
        [one] { n-holes } (step { $steps })
       *[other] { n-holes } (steps { $steps })
    }

holes-of-on-prem = { n-holes } for on-prem:
holes-of-others = { n-holes } for other sources:
hole-of-on-prem = { $span }: { n-addresses } { $ranges }, { $what }
hole-of-others = { $span }, { $whose }: { n-addresses } { $ranges }, { $what }

## From which step to which

span = { $opens }→{ $closes }
span-now = now
span-step = { $step }
span-the-end = the end
from-step-to-step = step { $opens } to step { $closes }
from-step-on = step { $opens } to the end
until-step = now to step { $closes }
always = now to the end

## One step, with all that is known of it. The names of its fields have at most seven letters.

explain-step = Step { $number } { $mark } { $title }
explain-id = id
explain-phase = phase
explain-why = why
explain-after = after
explain-undo = undo
explain-no-packets = It changes no packet's path.
explain-packets = Packets whose delivery or path it changes:
explain-packet = { $source } → { $ranges } ({ $addresses }): { $what }
explain-paths = Paths from on-prem after it:
explain-path = { $more ->
        [0] { $address }: { $path }: { $verdict }
       *[other] { $address } and { $more } more: { $path }: { $verdict }
    }
explain-holes = Holes:
explain-hole = { $verb ->
        [opens] opens for { $source }: { $ranges } ({ $addresses }), { $what }
       *[closes] closes for { $source }: { $ranges } ({ $addresses }), { $what }
    }
after-nothing = nothing
after-steps = step { $steps }
after-phase = phase { $phase }
after-phase-and-steps = phase { $phase } and step { $steps }

## How two plans differ

difference-goal = the goal is { $is } instead of { $was }
difference-gone = no longer needed: { $title }
difference-new = new: { $title }
difference-changed = changed ({ $fields }): { $title }
difference-other = was: { $was }; is: { $is }
difference-reordered = in another order: { $title }
difference-warning = new warning: { $warning }
difference-hole = new or longer hole from { $opens } to { $closes } for { $source }: { n-addresses } { $ranges }, { $what }
step-field-phase = phase
step-field-action = action
step-field-undo = undo
