# Why the ledger could not do its work, and what it tells of runs and locks.

ledger-store = the ledger { $place } cannot be used
ledger-no-ledger = { $place } is not a ledger of stayput: { $reason }
ledger-unsafe = the ledger { $place } is not opened: { $reason }
ledger-replaced = the ledger { $place } was deleted or replaced while it was open: restore the file, then run the command again
ledger-too-new = the ledger { $place } has format { $found }; this build reads up to format { $known }
ledger-too-old = the ledger { $place } has format { $found }; this build migrates from format { $oldest } on
ledger-altered = { $what } was altered outside of stayput: its checksum does not match; restore the ledger from a backup
ledger-row = { $what } in the ledger cannot be read
ledger-not-read-back = the facts of { $machine } were not read back as written; do not trust this store
ledger-held = another stayput is working on this estate ({ $holder })
ledger-lease-lost = the lease on { $scope } with epoch { $epoch } was lost
ledger-no-such-machine = { $machine } is not in the ledger
ledger-no-such-run = there is no run { $run } in the ledger
ledger-run-ended = run { $run } has ended: { $state }
ledger-no-such-entry = there is no entry { $sequence } in the journal
ledger-concluded = entry { $sequence } of the journal already has the outcome: { $outcome }

## Its files and records

ledger-no-file-named = the path does not name a file
ledger-of-another-program = it is an SQLite database of another program
ledger-no-write-ahead-log = the file system does not allow a write-ahead log (journal mode { $found }); keep the ledger on a local disk
ledger-lock-ending = `.lock` is the ending of its lock file; give the ledger another name, such as stayput.db
ledger-not-sqlite = it is not an SQLite database
ledger-symbolic-link = it is a symbolic link; name its target instead
ledger-no-file = it is not a regular file
ledger-open-to-others = users other than its owner have access (mode { $mode }), and this cannot be changed ({ $error }); its owner can run: chmod 600 { $path }
record-of-machine = the record { $sequence } of machine { $machine }
record-of-vm = the record { $sequence } of which VM machine { $machine } is at { $site }
record-of-guest = the record { $sequence } of the guest of machine { $machine }
record-of-return = the record { $sequence } that machine { $machine } is in EC2 again
record-of-captured-machine = machine { $id }
record-of-outcome = an outcome of step { $step }
record-of-journal = entry { $sequence } of the journal
record-of-vm-of-machine = the VM of machine { $machine } at { $site }
record-of-log = item { $number } of { $place }
record-to-write = a record that is to be written
log-crowded = other workers wrote first each time
record-of-run = run { $id }

## Runs, attempts and locks

outcome-unchanged = unchanged
outcome-done = done
outcome-failed = failed: { $error }
outcome-in-doubt = in doubt: { $error }
run-open = open
run-reached = reached { $at }
run-abandoned = abandoned { $at } by { $by }: { $why }
lease-of-estate = the estate
holder-unknown = it has not written its name yet
holder-process = process { $process }
holder-since = since { $since }

## The shared ledger in a DynamoDB table

ledger-table = DynamoDB table { $table } in { $region }
table-missing = there is no DynamoDB table { $table } in { $region }
table-not-active = DynamoDB table { $table } is { $status }, not ACTIVE
table-keys = DynamoDB table { $table } has the keys { $keys }; a ledger needs pk (S) and sk (N)
table-no-replica = DynamoDB table { $table } has no replica in { $regions }
table-not-strong = DynamoDB table { $table } has replicas in several regions with consistency { $consistency }, so that two of them could give away the same lease
table-no-region = no region of the table was asked
table-odd-item = item { $item } is not one of a ledger

## A ledger as a file

ledger-not-empty = the ledger has records already; only an empty one takes those of another
ledger-not-copied = the copy does not have the same records as the original; do not use it
ledger-export-empty = it is empty
ledger-export-line = line { $number }
ledger-export-end = it should have { $expected } records and has { $found }
ledger-export-checksum = the checksum of line { $number } does not match: the line was changed, or one before it was added or removed
ledger-export-unreadable = line { $number } cannot be read: { $error }
ledger-not-an-export = { $place } is not an export as `stayput ledger export` wrote it: { $why }
