#!/bin/sh
# Stands in for a compiler, an archiver or a system's kit while types are checked: makes the output file that was asked
# for, empty, or names a folder and a version, and ends well.
case "${0##*/}" in
xcrun)
    case "$*" in
    *version*) echo 26.0 ;;
    *) dirname "$0" ;;
    esac
    ;;
*ar)
    for argument in "$@"; do
        case "$argument" in
        *.a | *.lib) printf '!<arch>\n' >"$argument" ;;
        esac
    done
    ;;
*)
    before=
    for argument in "$@"; do
        case "$before" in
        -o | --output) : >"$argument" ;;
        esac
        case "$argument" in
        --output=*) : >"${argument#--output=}" ;;
        esac
        before=$argument
    done
    ;;
esac
