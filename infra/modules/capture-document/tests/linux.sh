set -eu
hostname
