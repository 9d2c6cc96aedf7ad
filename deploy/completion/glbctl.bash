# bash completion for glbctl

# Names from the daemon, by jq path; none if no daemon answers or jq is missing.
_glbctl_names() {
    local socket=() i
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == --socket ]] && socket=(--socket "${COMP_WORDS[i + 1]}")
    done
    "${COMP_WORDS[0]}" "${socket[@]}" -o json "$1" 2>/dev/null | jq -r "$2" 2>/dev/null
}

_glbctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local commands="check apply diff export confirm history rollback status endpoints targets flows drops counters"
    commands+=" drain undrain bypass guard gc down"
    local words="" command="" i
    COMPREPLY=()

    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --socket | -o | --output) ((i++)) ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done

    case $prev in
    --socket)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    -o | --output) words="table json" ;;
    --endpoint) words=$(_glbctl_names endpoints '.endpoints[].name') ;;
    --target) words=$(_glbctl_names targets '.targets[] | .targetGroup + "/" + .id') ;;
    --protocol) words="tcp udp icmp icmpv6 sctp gre esp ah" ;;
    --state) words="unconfirmed established closing closed" ;;
    --source | --destination | --limit | --confirm | --for) return ;;
    *)
        case $command in
        "") words="$commands --socket --output --version --help" ;;
        check) words="--here --help" ;;
        apply | rollback) words="--dry-run --confirm --confirm-pending --help" ;;
        drain) words="$(_glbctl_names targets '.targets[] | .targetGroup + "/" + .id') --wait --force --help" ;;
        undrain) words="$(_glbctl_names targets '.targets[] | select(.drainedByOperator) | .targetGroup + "/" + .id') --help" ;;
        bypass) words="$(_glbctl_names endpoints '.endpoints[].name') --for --off --help" ;;
        targets) words="$(_glbctl_names targets '.targets[].targetGroup' | sort -u) --help" ;;
        flows) words="--endpoint --target --protocol --state --source --destination --limit --help" ;;
        gc) words="--dry-run --help" ;;
        status) words="--check --help" ;;
        down) words="--yes --keep-guard --help" ;;
        *) words="--help" ;;
        esac
        ;;
    esac

    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    if [[ $command == @(check|diff|apply) && $cur != -* ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}
complete -F _glbctl glbctl
