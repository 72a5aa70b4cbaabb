//! Tests of the walk: every wrong order of the AWS reference §8 gives the failure it names.
