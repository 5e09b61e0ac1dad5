
use builtin;
use str;

set edit:completion:arg-completer[opev] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'opev'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'opev'= {
            cand --log-level 'Say this much: debug, info, warning, error or critical'
            cand --log-format 'Form of the messages on standard error'
            cand --color 'When to use colour'
            cand --tz 'Read and show times in this zone: UTC, local or a name'
            cand -v 'Say what is done; -vv also says every request'
            cand --verbose 'Say what is done; -vv also says every request'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand fetch 'Get events once and exit'
            cand config 'Show, locate or create the configuration'
            cand completions 'Print a completion script for a shell'
        }
        &'opev;fetch'= {
            cand --since 'Events from this time on [default: 24h]'
            cand --until 'Events before this time [default: now]'
            cand --limit 'Only the first N events'
            cand --last 'Only the newest N events'
            cand --sort 'Order of the events'
            cand --format 'Form of the output'
            cand --shape 'Schema of an event [default: raw]'
            cand --fields 'Columns of tables and CSV, separated by commas; help lists them'
            cand -o 'Write to this file; - is standard output'
            cand --output 'Write to this file; - is standard output'
            cand --file-mode 'Permissions of a new output file, in octal [default: 600]'
            cand --consumer 'Keep the position under this name [default: stdout]'
            cand --lock-wait 'Wait this long for another run to end'
            cand --profile 'Use this profile of the configuration'
            cand --config 'Read this configuration file'
            cand --state-dir 'Keep saved positions and locks in this directory'
            cand --region 'The account''s region: decides the server'
            cand --base-url 'The server, as a host or a URL'
            cand --allow-host 'Let the token go to this host, which is not 1Password''s'
            cand --token-file 'Read the token from this file; - is standard input'
            cand --token-command 'Run this shell command and take the token from its output'
            cand --ca-file 'Trust the certificates in this PEM file as well'
            cand --api 'Version of the API [default: v2]'
            cand --timeout 'Give a request this long [default: 1m]'
            cand --retry-for 'Retry a failing request for this long [default: 2m]'
            cand --deadline 'End the whole run after this long'
            cand --rate-limit 'At most this many requests a minute [default: 600]'
            cand --max-response-bytes 'Refuse answers greater than this [default: 64MiB]'
            cand --page-size 'Ask for this many events a request, 1 to 1000 [default: 1000]'
            cand --jobs 'Have this many requests under way at once, 1 to 16'
            cand --log-level 'Say this much: debug, info, warning, error or critical'
            cand --log-format 'Form of the messages on standard error'
            cand --color 'When to use colour'
            cand --tz 'Read and show times in this zone: UTC, local or a name'
            cand --overwrite 'Replace an output file that exists'
            cand --fail-if-empty 'Exit with 1 when there was no event'
            cand --dry-run 'Say what would be asked and written, and stop'
            cand --resume 'Continue from the saved position, and save it as events are delivered'
            cand --accept-gap 'Go on although events may be missing'
            cand --all-profiles 'Run for every enabled profile of the configuration'
            cand -v 'Say what is done; -vv also says every request'
            cand --verbose 'Say what is done; -vv also says every request'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'opev;config'= {
            cand --log-level 'Say this much: debug, info, warning, error or critical'
            cand --log-format 'Form of the messages on standard error'
            cand --color 'When to use colour'
            cand --tz 'Read and show times in this zone: UTC, local or a name'
            cand -v 'Say what is done; -vv also says every request'
            cand --verbose 'Say what is done; -vv also says every request'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand show 'Print every value in force and where it comes from'
            cand path 'Print the path of the configuration file'
            cand init 'Write a commented configuration file'
        }
        &'opev;config;show'= {
            cand --profile 'Use this profile of the configuration'
            cand --config 'Read this configuration file'
            cand --state-dir 'Keep saved positions and locks in this directory'
            cand --region 'The account''s region: decides the server'
            cand --base-url 'The server, as a host or a URL'
            cand --allow-host 'Let the token go to this host, which is not 1Password''s'
            cand --token-file 'Read the token from this file; - is standard input'
            cand --token-command 'Run this shell command and take the token from its output'
            cand --ca-file 'Trust the certificates in this PEM file as well'
            cand --api 'Version of the API [default: v2]'
            cand --timeout 'Give a request this long [default: 1m]'
            cand --retry-for 'Retry a failing request for this long [default: 2m]'
            cand --deadline 'End the whole run after this long'
            cand --rate-limit 'At most this many requests a minute [default: 600]'
            cand --max-response-bytes 'Refuse answers greater than this [default: 64MiB]'
            cand --log-level 'Say this much: debug, info, warning, error or critical'
            cand --log-format 'Form of the messages on standard error'
            cand --color 'When to use colour'
            cand --tz 'Read and show times in this zone: UTC, local or a name'
            cand --json 'Print one JSON object'
            cand -v 'Say what is done; -vv also says every request'
            cand --verbose 'Say what is done; -vv also says every request'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'opev;config;path'= {
            cand --config 'Read this configuration file'
            cand --log-level 'Say this much: debug, info, warning, error or critical'
            cand --log-format 'Form of the messages on standard error'
            cand --color 'When to use colour'
            cand --tz 'Read and show times in this zone: UTC, local or a name'
            cand -v 'Say what is done; -vv also says every request'
            cand --verbose 'Say what is done; -vv also says every request'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'opev;config;init'= {
            cand --config 'Read this configuration file'
            cand --log-level 'Say this much: debug, info, warning, error or critical'
            cand --log-format 'Form of the messages on standard error'
            cand --color 'When to use colour'
            cand --tz 'Read and show times in this zone: UTC, local or a name'
            cand --force 'Replace a file that exists'
            cand -v 'Say what is done; -vv also says every request'
            cand --verbose 'Say what is done; -vv also says every request'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'opev;completions'= {
            cand --log-level 'Say this much: debug, info, warning, error or critical'
            cand --log-format 'Form of the messages on standard error'
            cand --color 'When to use colour'
            cand --tz 'Read and show times in this zone: UTC, local or a name'
            cand -v 'Say what is done; -vv also says every request'
            cand --verbose 'Say what is done; -vv also says every request'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
    ]
    $completions[$command]
}
