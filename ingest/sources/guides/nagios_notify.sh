#!/bin/sh
# Posts a Nagios notification to Tocsin, as JSON. POSIX sh and curl (7.55 or later) are all it needs.
#
# /etc/tocsin_notify.conf, readable by the user that Nagios runs as and by nobody else:
#   TOCSIN_URL=https://tocsin.example.com/ingest/nagios
#   TOCSIN_HEADER='Authorization: Bearer ...'
#
# Arguments are NAME=VALUE pairs, which become the fields; the command definition lists them.
# Ends with 0 once Tocsin has accepted it, otherwise with curl's code, which Nagios logs.

set -u
. "${TOCSIN_CONF:-/etc/tocsin_notify.conf}"

escape() {
    tab=$(printf '\t')
    printf '%s' "$1" | tr -d '\000-\010\013-\037' |
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e "s/$tab/\\\\t/g" |
        awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'
}

body='{'
comma=''
for pair in "$@"; do
    body="$body$comma\"$(escape "${pair%%=*}")\":\"$(escape "${pair#*=}")\""
    comma=','
done

# The header comes by standard input, so that no list of processes shows it.
printf '%s\n' "${TOCSIN_HEADER:-}" |
    curl --silent --show-error --fail --max-time 10 --retry 3 --output /dev/null \
        --header 'Content-Type: application/json' --header @- --data-binary "$body}" "$TOCSIN_URL"
