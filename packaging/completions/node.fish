function __node_should_offer_completions_for_flags_or_options -a expected_commands
    set -l non_repeating_flags_or_options $argv[2..]
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __node_parse_tokens
    test "$commands" = "$expected_commands"; and return $non_repeating_flags_or_options_absent
end

function __node_should_offer_completions_for_positional -a expected_commands positional_index_comparison expected_positional_index
    set -l non_repeating_flags_or_options
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __node_parse_tokens
    test "$commands" = "$expected_commands" -a \( "$positional_index" "$positional_index_comparison" "$expected_positional_index" \)
end

function __node_parse_tokens -S
    set -l unparsed_tokens (__node_tokens -pc)
    switch $unparsed_tokens[1]
    case 'node'
        __node_parse_subcommand 0 'version' 'h/help'
        switch $unparsed_tokens[1]
        case 'chat'
            __node_parse_subcommand 0 'username=' 'ask' 'to=' 'plain' 'listen=' 'advertise=' 'key-file=' 'successors=' 'rpc' 'control' 'metrics=' 'bootstrap=+' 'network=' 'require-bootstrap' 'seed=' 'log-level=' 'version' 'h/help'
        case 'bootstrap'
            __node_parse_subcommand 0 'listen=' 'advertise=' 'key-file=' 'successors=' 'rpc' 'control' 'metrics=' 'bootstrap=+' 'network=' 'require-bootstrap' 'seed=' 'log-level=' 'version' 'h/help'
        case 'lookup'
            __node_parse_subcommand 1 'json' 'bootstrap=+' 'network=' 'require-bootstrap' 'seed=' 'log-level=' 'version' 'h/help'
        case 'ring'
            __node_parse_subcommand 0 'json' 'dot' 'svg=' 'fingers=' 'bootstrap=+' 'network=' 'require-bootstrap' 'seed=' 'log-level=' 'version' 'h/help'
        case 'status'
            __node_parse_subcommand 0 'json' 'pid=' 'version' 'h/help'
        case 'ping'
            __node_parse_subcommand 1 'count=' 'json' 'network=' 'version' 'h/help'
        case 'config'
            __node_parse_subcommand 0 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'show'
                __node_parse_subcommand -r 1 'version' 'h/help'
            end
        case 'help'
            __node_parse_subcommand -r 1 'version'
        end
    end
end

function __node_tokens
    if test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3
        commandline --tokens-raw $argv
    else
        commandline -o $argv
    end
end

function __node_parse_subcommand -S -a positional_count
    argparse -s r -- $argv
    set -l option_specs $argv[2..]
    set -l is_repeating_positional $_flag_r
    set -el _flag_r
    set -a commands $unparsed_tokens[1]
    set positional_index 0
    while true
        set -e unparsed_tokens[1]
        argparse -sn "$commands" $option_specs -- $unparsed_tokens 2> /dev/null
        set unparsed_tokens $argv
        set positional_index (math $positional_index + 1)
        for non_repeating_flag_or_option in $non_repeating_flags_or_options
            if set -ql "_flag_$(string replace -a - _ -- $non_repeating_flag_or_option)"
                set non_repeating_flags_or_options_absent 1
                break
            end
        end
        test (count $unparsed_tokens) -eq 0 -o \( -z "$is_repeating_positional" -a "$positional_index" -gt "$positional_count" \) && break
    end
end

function __node_complete_directories
    set -l token (commandline -t)
    string match -- '*/' $token
    set -l subdirs $token*/
    printf %s\n $subdirs
end

function __node_custom_completion
    set -x SAP_SHELL fish
    set -x SAP_SHELL_VERSION $FISH_VERSION
    set -l tokens (__node_tokens -p)
    if test -z "$(__node_tokens -t)"
        set -l index (count (__node_tokens -pc))
        set tokens $tokens[..$index] \'\' $tokens[(math $index + 1)..]
    end
    command $tokens[1] $argv $tokens
end

complete -c 'node' -f
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node" version' -l 'version' -d 'Show the version.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'node' -n '__node_should_offer_completions_for_positional "node" -eq 1' -fa 'chat' -d 'Chat: type a line to send it, /help for the commands.'
complete -c 'node' -n '__node_should_offer_completions_for_positional "node" -eq 1' -fa 'bootstrap' -d 'Run a node that others can start from, until Ctrl-C.'
complete -c 'node' -n '__node_should_offer_completions_for_positional "node" -eq 1' -fa 'lookup' -d 'Find the node that owns a key, or where a user is.'
complete -c 'node' -n '__node_should_offer_completions_for_positional "node" -eq 1' -fa 'ring' -d 'Walk round the ring and print its members; exit code 1 if it is not consistent.'
complete -c 'node' -n '__node_should_offer_completions_for_positional "node" -eq 1' -fa 'status' -d 'Say how a node on this machine stands, if it was started with --control.'
complete -c 'node' -n '__node_should_offer_completions_for_positional "node" -eq 1' -fa 'ping' -d 'See whether a node answers at an address, and how quickly.'
complete -c 'node' -n '__node_should_offer_completions_for_positional "node" -eq 1' -fa 'config' -d 'Show the configuration, and where each value comes from.'
complete -c 'node' -n '__node_should_offer_completions_for_positional "node" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" username' -l 'username' -d 'The name others see, 1 to 32 characters without #. Default: asked for in a terminal, otherwise $USER.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" ask' -l 'ask' -d 'Let nobody unknown talk to you before you /accept them. Otherwise whoever has your name and id can; /ignore ends that.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" to' -l 'to' -d 'Talk to this user from the start. In a pipe every line of input is a text to them, whatever it begins with, and the exit code is 0 only if all were acknowledged.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" plain' -l 'plain' -d 'Write plain lines in a terminal too, one event a line: for screen readers, and for who likes it so.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" listen' -l 'listen' -d 'Where to listen; port 0 lets the system choose. Default: [::]:0 for chat; for bootstrap the first address compiled in that can be had.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" advertise' -l 'advertise' -d 'The address to tell others, if it is not the one listened on (behind a router, say).' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" key-file' -l 'key-file' -d 'Keep the keys in this file, to be the same node and user next time. It is made, readable by you alone, if there is none. Without it the keys last as long as the session.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" successors' -l 'successors' -d 'How many successors to keep, 1 to 32. Default: 16, and more in a ring of thousands.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" rpc' -l 'rpc' -d 'Speak JSON-RPC 2.0 over standard input and output, one message per line, for bots and scripts.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" control' -l 'control' -d 'Open a private control socket in $XDG_RUNTIME_DIR, for `node status`.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" metrics' -l 'metrics' -d 'Show numbers for Prometheus at http://HOST:PORT/metrics, for programs on this machine.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat"' -l 'bootstrap' -d 'Where another node may be found. Can be given several times: all are tried at once, any one suffices. Replaces the addresses compiled in (127.0.0.1:7401, 127.0.0.1:7402, 127.0.0.1:7403).' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" network' -l 'network' -d 'The network\'s name: nodes of different networks never meet.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" require-bootstrap' -l 'require-bootstrap' -d 'End with exit code 69 if no bootstrap node answers within 5 seconds, instead of standing alone.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" seed' -l 'seed' -d 'Makes the node\'s choices repeatable, for tests. Never touches keys.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" log-level' -l 'log-level' -d 'Log to standard error: trace, debug, info, notice, warning, error or critical. Never a user, an address or a text.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" version' -l 'version' -d 'Show the version.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node chat" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node bootstrap" listen' -l 'listen' -d 'Where to listen; port 0 lets the system choose. Default: [::]:0 for chat; for bootstrap the first address compiled in that can be had.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node bootstrap" advertise' -l 'advertise' -d 'The address to tell others, if it is not the one listened on (behind a router, say).' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node bootstrap" key-file' -l 'key-file' -d 'Keep the keys in this file, to be the same node and user next time. It is made, readable by you alone, if there is none. Without it the keys last as long as the session.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node bootstrap" successors' -l 'successors' -d 'How many successors to keep, 1 to 32. Default: 16, and more in a ring of thousands.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node bootstrap" rpc' -l 'rpc' -d 'Speak JSON-RPC 2.0 over standard input and output, one message per line, for bots and scripts.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node bootstrap" control' -l 'control' -d 'Open a private control socket in $XDG_RUNTIME_DIR, for `node status`.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node bootstrap" metrics' -l 'metrics' -d 'Show numbers for Prometheus at http://HOST:PORT/metrics, for programs on this machine.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node bootstrap"' -l 'bootstrap' -d 'Where another node may be found. Can be given several times: all are tried at once, any one suffices. Replaces the addresses compiled in (127.0.0.1:7401, 127.0.0.1:7402, 127.0.0.1:7403).' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node bootstrap" network' -l 'network' -d 'The network\'s name: nodes of different networks never meet.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node bootstrap" require-bootstrap' -l 'require-bootstrap' -d 'End with exit code 69 if no bootstrap node answers within 5 seconds, instead of standing alone.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node bootstrap" seed' -l 'seed' -d 'Makes the node\'s choices repeatable, for tests. Never touches keys.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node bootstrap" log-level' -l 'log-level' -d 'Log to standard error: trace, debug, info, notice, warning, error or critical. Never a user, an address or a text.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node bootstrap" version' -l 'version' -d 'Show the version.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node bootstrap" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node lookup" json' -l 'json' -d 'Print one JSON object.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node lookup"' -l 'bootstrap' -d 'Where another node may be found. Can be given several times: all are tried at once, any one suffices. Replaces the addresses compiled in (127.0.0.1:7401, 127.0.0.1:7402, 127.0.0.1:7403).' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node lookup" network' -l 'network' -d 'The network\'s name: nodes of different networks never meet.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node lookup" require-bootstrap' -l 'require-bootstrap' -d 'End with exit code 69 if no bootstrap node answers within 5 seconds, instead of standing alone.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node lookup" seed' -l 'seed' -d 'Makes the node\'s choices repeatable, for tests. Never touches keys.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node lookup" log-level' -l 'log-level' -d 'Log to standard error: trace, debug, info, notice, warning, error or critical. Never a user, an address or a text.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node lookup" version' -l 'version' -d 'Show the version.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node lookup" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ring" json' -l 'json' -d 'Print one JSON object: {"members":[{"position","node","address","predecessor","right"}],"problems":[…]}.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ring" dot' -l 'dot' -d 'Print the ring for Graphviz, with wrong pointers in red and the fingers of one member in blue.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ring" svg' -l 'svg' -d 'Draw the ring into this file, for a browser.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ring" fingers' -l 'fingers' -d 'Whose fingers are drawn: a member whose identifier begins like this. Default: the first one.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ring"' -l 'bootstrap' -d 'Where another node may be found. Can be given several times: all are tried at once, any one suffices. Replaces the addresses compiled in (127.0.0.1:7401, 127.0.0.1:7402, 127.0.0.1:7403).' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ring" network' -l 'network' -d 'The network\'s name: nodes of different networks never meet.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ring" require-bootstrap' -l 'require-bootstrap' -d 'End with exit code 69 if no bootstrap node answers within 5 seconds, instead of standing alone.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ring" seed' -l 'seed' -d 'Makes the node\'s choices repeatable, for tests. Never touches keys.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ring" log-level' -l 'log-level' -d 'Log to standard error: trace, debug, info, notice, warning, error or critical. Never a user, an address or a text.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ring" version' -l 'version' -d 'Show the version.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ring" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node status" json' -l 'json' -d 'Print one JSON object.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node status" pid' -l 'pid' -d 'The process of the node, if several run here.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node status" version' -l 'version' -d 'Show the version.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node status" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ping" count' -l 'count' -d 'How often to ask, 1 to 1000.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ping" json' -l 'json' -d 'Print one JSON object.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ping" network' -l 'network' -d 'The network\'s name: nodes of different networks never meet.' -rfka ''
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ping" version' -l 'version' -d 'Show the version.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node ping" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node config" version' -l 'version' -d 'Show the version.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node config" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'node' -n '__node_should_offer_completions_for_positional "node config" -eq 1' -fa 'show' -d 'Show every option of a command, its value, and where that comes from.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node config show" version' -l 'version' -d 'Show the version.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node config show" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'node' -n '__node_should_offer_completions_for_flags_or_options "node help" version' -l 'version' -d 'Show the version.'
