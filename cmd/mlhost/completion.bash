# bash completion for mlhost: source it, or put it where the package
# bash-completion looks (which it does not need). Nothing that stands on the line
# is executed but mlhost itself.

# __mlhost_unquote sets plain to what a word is without its quotes, and quote to
# the one that is still open at its end.
__mlhost_unquote() {
    local word=$1 c i
    plain= quote=
    for ((i = 0; i < ${#word}; i++)); do
        c=${word:i:1}
        if [[ $quote == "'" ]]; then
            if [[ $c == "'" ]]; then quote=; else plain+=$c; fi
        elif [[ $c == \\ ]]; then
            i=$((i + 1))
            plain+=${word:i:1}
        elif [[ $quote == '"' ]]; then
            if [[ $c == '"' ]]; then quote=; else plain+=$c; fi
        elif [[ $c == "'" || $c == '"' ]]; then
            quote=$c
        else
            plain+=$c
        fi
    done
    if [[ $word == '~' || $word == '~/'* ]]; then
        plain=$HOME${plain#'~'}
    fi
}

# __mlhost_words sets words to those of the line up to the cursor, and last to the
# part of the last one that bash replaces: it cuts words at = and : too.
__mlhost_words() {
    local rest=${COMP_LINE:0:COMP_POINT} before i n=-1
    words=() last=
    for ((i = 0; i <= COMP_CWORD; i++)); do
        before=$rest
        rest=${rest#"${rest%%[![:space:]]*}"}
        last=${COMP_WORDS[i]}
        last=${rest:0:${#last}}
        if ((n < 0)) || [[ $rest != "$before" ]]; then
            n=$((n + 1))
            words[n]=
        fi
        words[n]+=$last
        rest=${rest:${#last}}
    done
    if [[ $last != *[!:=@]* ]]; then
        last=
    fi
}

__start_mlhost() {
    local words last plain quote program args=() word n i
    COMPREPLY=()
    __mlhost_words
    n=$((${#words[@]} - 1))
    if ((n > 0)) && [[ ${words[n - 1]} == *['<>'] ]]; then
        return 0 # a file
    fi
    __mlhost_unquote "${words[0]}"
    program=$plain
    if [[ $(type -t -- "$program") != file ]]; then
        program=mlhost # it is an alias
    fi
    for ((i = 1; i <= n; i++)); do
        __mlhost_unquote "${words[i]}"
        args[i - 1]=$plain
    done
    word=$plain

    local out directive
    out=$("$program" __complete "${args[@]}" 2>/dev/null) || return 0
    directive=${out##*:}
    out=${out%:*}
    if [[ $directive == *[!0-9]* || -z $directive ]] || ((directive & 1)); then
        return 0
    fi
    if [[ $(type -t compopt) == builtin ]]; then
        if ((directive & 2)); then compopt -o nospace; fi
        if ((directive & 4)); then compopt +o default; fi
    fi

    # What bash keeps of the word is taken from each candidate; the program's
    # candidates for --flag=VALUE are values.
    local keep=${words[n]}
    keep=${keep:0:${#keep} - ${#last}}
    if [[ $word == -*=* ]]; then
        word=${word#*=}
        keep=${keep#*=}
    fi
    local open=$quote
    __mlhost_unquote "$keep"
    keep=$plain

    local candidate name tab=$'\t' names=() texts=() longest=0
    if ((directive & 16)); then
        if [[ $(type -t compopt) == builtin ]]; then compopt -o filenames; fi
        out=$(compgen -d -- "$word")
    fi
    while IFS= read -r candidate; do
        name=${candidate%%"$tab"*}
        [[ -n $name && $name == "$word"* ]] || continue
        names+=("${name#"$keep"}")
        if [[ $candidate == *"$tab"* ]]; then texts+=("${candidate#*"$tab"}"); else texts+=(""); fi
        if ((${#name} - ${#keep} > longest)); then longest=$((${#name} - ${#keep})); fi
    done <<<"$out"

    for ((i = 0; i < ${#names[@]}; i++)); do
        name=${names[i]}
        if [[ -z $open ]] && ! ((directive & 16)); then printf -v name %q "$name"; fi
        # A list has room for what the names mean; what is put into the line not.
        if ((${#names[@]} > 1)) && [[ -n ${texts[i]} && $COMP_TYPE != 37 && $COMP_TYPE != 42 ]]; then
            printf -v name "%-*s  (%s)" "$longest" "$name" "${texts[i]}"
            name=${name:0:${COLUMNS:-80}}
        fi
        COMPREPLY+=("$name")
    done
}

if [[ $(type -t compopt) == builtin ]]; then
    complete -o default -F __start_mlhost mlhost
else
    complete -o default -o nospace -F __start_mlhost mlhost
fi
