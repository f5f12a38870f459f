#!/usr/bin/env bash
# A client without code of the mock server: curl, and openssl for the checksum (§1.1.2).
# usage: client.sh URL OPERATION BODY [KEY=VALUE …]   prints the answer, then the HTTP status.
#   sign=v2|v1|upper|md5|hmac|base64|nonsense  clock=SECONDS  method=METHOD  type=CONTENT-TYPE|none  path=PATH
#   drop=PARAMETER  twice=PARAMETER  curtime=TEXT  appkey=TEXT  identifier=TEXT  seq=TEXT  now=SECONDS
set -euo pipefail

url=$1 operation=$2 body=$3
shift 3
appkey=123456789
appsecret='MADE/UP+secret+of+the+mock+one=='
restapikey='made-up-restapikey-one'
sign=v2 clock=0 method=POST type=application/json drop='' twice='' identifier=admin now=$(date +%s) curtime=''
seq=$RANDOM$RANDOM$$ path=/v2/video/$operation
for option in "$@"; do
  case ${option%%=*} in
    sign | clock | method | type | drop | twice | identifier | now | curtime | seq | path | appkey)
      printf -v "${option%%=*}" %s "${option#*=}" ;;
    *) echo "unknown option $option" >&2; exit 2 ;;
  esac
done
[ -n "$curtime" ] || curtime=$((now + clock))

digest() { openssl dgst "-$1" -r | cut -d ' ' -f 1; }
case $sign in
  v2) checksum=$(printf %s "$appsecret$restapikey$curtime" | digest sha1) ;;
  v1) checksum=$(printf %s "$appsecret$curtime" | digest sha1) ;;
  upper) checksum=$(printf %s "$appsecret$restapikey$curtime" | digest sha1 | tr a-f A-F) ;;
  md5) checksum=$(printf %s "$appsecret$restapikey$curtime" | digest md5) ;;
  hmac) checksum=$(printf %s "$restapikey$curtime" | openssl dgst -sha1 -hmac "$appsecret" -r | cut -d ' ' -f 1) ;;
  base64) checksum=$(printf %s "$appsecret$restapikey$curtime" | openssl dgst -sha1 -binary | openssl base64) ;;
  nonsense) checksum=123456789abcdefg ;;
  *) echo "unknown value of sign: $sign" >&2; exit 2 ;;
esac

encoded() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'; }
query=
for name in appkey identifier curtime checksum seq; do
  [ "$name" = "$drop" ] || query+="&$name=$(encoded "${!name}")"
  [ "$name" != "$twice" ] || query+="&$name=$(encoded "${!name}")"
done
call=(--silent --show-error --max-time 10 --request "$method" --write-out '\n%{http_code}' --data-binary @-)
if [ "$type" = none ]; then call+=(--header 'Content-Type:'); else call+=(--header "Content-Type: $type"); fi
printf %s "$body" | curl "${call[@]}" "$url$path?${query#&}"
