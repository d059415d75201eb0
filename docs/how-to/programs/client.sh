#!/bin/sh
# The documented text messaging API with curl and form encoding: log in, send a text, read who texted STOP, log out.
#
#     SMS_USERNAME=demo SMS_PASSWORD=demo-password sh client.sh "07700 900123" "Your parcel comes today"
#
# SMS_ADDRESS says where the service is. Ends with 1 and the service's answer where that is not Success.
set -eu

[ $# -eq 2 ] || { echo "usage: SMS_USERNAME=... SMS_PASSWORD=... sh $0 NUMBER TEXT" >&2; exit 2; }
address=${SMS_ADDRESS:-http://127.0.0.1:8080}/api

ask() { # prints the answer, if it is Success
    answer=$(curl --silent --show-error --fail-with-body --max-time 30 --header 'Accept: application/json' "$@") || {
        echo "stopped: ${answer:-no answer}" >&2
        exit 1
    }
    [ "$(printf %s "$answer" | field Status)" = Success ] || { echo "stopped: $answer" >&2; exit 1; }
    printf %s "$answer"
}

field() { # of the JSON read, a string
    sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p'
}

# The password goes through a pipe: a program's arguments can be read by everyone on the machine.
logon=$(printf %s "$SMS_PASSWORD" | ask "$address/Security/Login" --data-urlencode "Username=$SMS_USERNAME" --data-urlencode Password@-)
token=$(printf %s "$logon" | field Token)
echo "logged in as $(printf %s "$logon" | field Firstname) of $(printf %s "$logon" | field Company)"

headers=$(ask "$address/Company/GetHeaders/$token")
header=$(printf %s "$headers" | sed 's/.*\[ *"\([^"]*\)".*/\1/')

printf %s "$2" | ask "$address/Messages/SendInstantMessage" --data-urlencode "SessionToken=$token" \
    --data-urlencode "FromNumber=$header" --data-urlencode "ToNumber=$1" --data-urlencode Message@- > /dev/null
echo "sent from $header to $1"

stops=$(ask "$address/Status/GetStops/$token")
echo "texted STOP since yesterday: $(printf %s "$stops" | sed 's/.*\[\(.*\)\].*/\1/' | tr -d '"')"

ask "$address/Security/Logout/$token" --request DELETE > /dev/null
echo "logged out"
