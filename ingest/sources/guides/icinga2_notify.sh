#!/bin/sh
# Posts an Icinga 2 notification to Tocsin, as JSON. POSIX sh and curl (7.55 or later) are all it needs.
#
# /etc/icinga2/tocsin_notify.conf, readable by the user that Icinga runs as and by nobody else:
#   TOCSIN_URL=https://tocsin.example.com/ingest/icinga2
#   TOCSIN_HEADER='Authorization: Bearer ...'
#
# The NotificationCommand gives the fields as environment variables TOCSIN_FIELD_<name>.
# Ends with 0 once Tocsin has accepted it, otherwise with curl's code, which Icinga logs.

set -u
. "${TOCSIN_CONF:-/etc/icinga2/tocsin_notify.conf}"

escape() {
    tab=$(printf '\t')
    printf '%s' "$1" | tr -d '\000-\010\013-\037' |
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e "s/$tab/\\\\t/g" |
        awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'
}

body='{'
comma=''
for name in type host host_address host_groups service service_display_name state output \
    check_command last_state_change time notes_url action_url url author comment; do
    eval "value=\${TOCSIN_FIELD_$name:-}"
    [ -n "$value" ] || continue
    body="$body$comma\"$name\":\"$(escape "$value")\""
    comma=','
done

# The header comes by standard input, so that no list of processes shows it.
printf '%s\n' "${TOCSIN_HEADER:-}" |
    curl --silent --show-error --fail --max-time 10 --retry 3 --output /dev/null \
        --header 'Content-Type: application/json' --header @- --data-binary "$body}" "$TOCSIN_URL"
