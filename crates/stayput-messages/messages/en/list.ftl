# Lists, for other messages to quote.

list-one = { $item }
list-and = { $first } and { $next }
list-or = { $first } or { $next }
list-alternative = { $first }; or { $next }
list-semicolon = { $first }; { $next }
list-more = { $names } and { $more } more
