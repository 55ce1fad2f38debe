"""Where a call's CPU goes: a hub that looks at itself a thousand times a second while it is asked (:mod:`loadtests.sampling.serve`), and a page of what it saw."""
