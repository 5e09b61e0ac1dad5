
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'opev' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'opev'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'opev' {
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Say this much: debug, info, warning, error or critical')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Form of the messages on standard error')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--tz', '--tz', [CompletionResultType]::ParameterName, 'Read and show times in this zone: UTC, local or a name')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('fetch', 'fetch', [CompletionResultType]::ParameterValue, 'Get events once and exit')
            [CompletionResult]::new('simulate', 'simulate', [CompletionResultType]::ParameterValue, 'A local stand-in of the Events API, for rehearsal and tests')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show, locate or create the configuration')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            break
        }
        'opev;fetch' {
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Events from this time on [default: 24h]')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Events before this time [default: now]')
            [CompletionResult]::new('--late', '--late', [CompletionResultType]::ParameterName, 'How long after --until events may have reached the service [default: 1d]')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Only the first N events')
            [CompletionResult]::new('--last', '--last', [CompletionResultType]::ParameterName, 'Only the newest N events')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'Order of the events')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Form of the output')
            [CompletionResult]::new('--shape', '--shape', [CompletionResultType]::ParameterName, 'Schema of an event [default: raw]')
            [CompletionResult]::new('--fields', '--fields', [CompletionResultType]::ParameterName, 'Columns of tables and CSV, separated by commas; help lists them')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file; - is standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file; - is standard output')
            [CompletionResult]::new('--file-mode', '--file-mode', [CompletionResultType]::ParameterName, 'Permissions of a new output file, in octal [default: 600]')
            [CompletionResult]::new('--consumer', '--consumer', [CompletionResultType]::ParameterName, 'Keep the position under this name [default: stdout]')
            [CompletionResult]::new('--lock-wait', '--lock-wait', [CompletionResultType]::ParameterName, 'Wait this long for another run to end')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of the configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep saved positions and locks in this directory')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'The account''s region: decides the server')
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'The server, as a host or a URL')
            [CompletionResult]::new('--allow-host', '--allow-host', [CompletionResultType]::ParameterName, 'Let the token go to this host, which is not 1Password''s')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'Read the token from this file; - is standard input')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Run this shell command and take the token from its output')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificates in this PEM file as well')
            [CompletionResult]::new('--api', '--api', [CompletionResultType]::ParameterName, 'Version of the API [default: v2]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give a request this long [default: 1m]')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'Retry a failing request for this long [default: 2m]')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'End the whole run after this long')
            [CompletionResult]::new('--rate-limit', '--rate-limit', [CompletionResultType]::ParameterName, 'At most this many requests a minute [default: 600]')
            [CompletionResult]::new('--max-response-bytes', '--max-response-bytes', [CompletionResultType]::ParameterName, 'Refuse answers greater than this [default: 64MiB]')
            [CompletionResult]::new('--page-size', '--page-size', [CompletionResultType]::ParameterName, 'Ask for this many events a request, 1 to 1000 [default: 1000]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Have this many requests under way at once, 1 to 16')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Say this much: debug, info, warning, error or critical')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Form of the messages on standard error')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--tz', '--tz', [CompletionResultType]::ParameterName, 'Read and show times in this zone: UTC, local or a name')
            [CompletionResult]::new('--overwrite', '--overwrite', [CompletionResultType]::ParameterName, 'Replace an output file that exists')
            [CompletionResult]::new('--fail-if-empty', '--fail-if-empty', [CompletionResultType]::ParameterName, 'Exit with 1 when there was no event')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be asked and written, and stop')
            [CompletionResult]::new('--resume', '--resume', [CompletionResultType]::ParameterName, 'Continue from the saved position, and save it as events are delivered')
            [CompletionResult]::new('--accept-gap', '--accept-gap', [CompletionResultType]::ParameterName, 'Go on although events may be missing')
            [CompletionResult]::new('--all-profiles', '--all-profiles', [CompletionResultType]::ParameterName, 'Run for every enabled profile of the configuration')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'opev;simulate' {
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Port on 127.0.0.1')
            [CompletionResult]::new('--announce', '--announce', [CompletionResultType]::ParameterName, 'How to say where it listens')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'Write the token to a file')
            [CompletionResult]::new('--data', '--data', [CompletionResultType]::ParameterName, 'Serve events from NDJSON files')
            [CompletionResult]::new('--events', '--events', [CompletionResultType]::ParameterName, 'How many events there are, in all streams together')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Which company: the same number brings the same events')
            [CompletionResult]::new('--days', '--days', [CompletionResultType]::ParameterName, 'Over how many days before now the events lie')
            [CompletionResult]::new('--live', '--live', [CompletionResultType]::ParameterName, 'New events a second, from the start on')
            [CompletionResult]::new('--live-from', '--live-from', [CompletionResultType]::ParameterName, 'When --live began, if not now (RFC 3339)')
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'Stand still at this time (RFC 3339)')
            [CompletionResult]::new('--features', '--features', [CompletionResultType]::ParameterName, 'Streams that the token grants, separated by commas')
            [CompletionResult]::new('--expires-in', '--expires-in', [CompletionResultType]::ParameterName, 'Seconds to the token''s expiry; negative: it has expired')
            [CompletionResult]::new('--audience', '--audience', [CompletionResultType]::ParameterName, 'The token''s audience, in place of 127.0.0.1:PORT')
            [CompletionResult]::new('--bounds', '--bounds', [CompletionResultType]::ParameterName, 'Which bounds of a range belong to it')
            [CompletionResult]::new('--filter', '--filter', [CompletionResultType]::ParameterName, 'Which time of an event a range is about')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Which key of an answer comes first')
            [CompletionResult]::new('--user-type', '--user-type', [CompletionResultType]::ParameterName, 'What a v2 user object calls the user''s type')
            [CompletionResult]::new('--errors', '--errors', [CompletionResultType]::ParameterName, 'The shape of an error''s body')
            [CompletionResult]::new('--repeat-when-followed', '--repeat-when-followed', [CompletionResultType]::ParameterName, 'This many last events come again on the next poll')
            [CompletionResult]::new('--fault', '--fault', [CompletionResultType]::ParameterName, 'Spoil answers; may be given several times')
            [CompletionResult]::new('--latency', '--latency', [CompletionResultType]::ParameterName, 'How long each answer takes: 100ms, or 100ms+50ms with chance')
            [CompletionResult]::new('--rate-limit', '--rate-limit', [CompletionResultType]::ParameterName, 'Answer 429 beyond this: 600 a minute, or 600,30000 with the hour')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Say this much: debug, info, warning, error or critical')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Form of the messages on standard error')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--tz', '--tz', [CompletionResultType]::ParameterName, 'Read and show times in this zone: UTC, local or a name')
            [CompletionResult]::new('--assert', '--assert', [CompletionResultType]::ParameterName, 'Exit with 1 if a client broke a rule')
            [CompletionResult]::new('--one-at-a-time', '--one-at-a-time', [CompletionResultType]::ParameterName, 'Take two requests under way on one stream for a broken rule')
            [CompletionResult]::new('--hostile', '--hostile', [CompletionResultType]::ParameterName, 'Sprinkle values that are valid JSON and hard to bear')
            [CompletionResult]::new('--cursor-forgets-end', '--cursor-forgets-end', [CompletionResultType]::ParameterName, 'The cursor of a range with an end forgets that end')
            [CompletionResult]::new('--no-empty-page', '--no-empty-page', [CompletionResultType]::ParameterName, 'Never say has_more: true before an empty page')
            [CompletionResult]::new('--gzip', '--gzip', [CompletionResultType]::ParameterName, 'Compress answers for clients that accept gzip')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'opev;config' {
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Say this much: debug, info, warning, error or critical')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Form of the messages on standard error')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--tz', '--tz', [CompletionResultType]::ParameterName, 'Read and show times in this zone: UTC, local or a name')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print every value in force and where it comes from')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Print the path of the configuration file')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write a commented configuration file')
            break
        }
        'opev;config;show' {
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of the configuration')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Keep saved positions and locks in this directory')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'The account''s region: decides the server')
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'The server, as a host or a URL')
            [CompletionResult]::new('--allow-host', '--allow-host', [CompletionResultType]::ParameterName, 'Let the token go to this host, which is not 1Password''s')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'Read the token from this file; - is standard input')
            [CompletionResult]::new('--token-command', '--token-command', [CompletionResultType]::ParameterName, 'Run this shell command and take the token from its output')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificates in this PEM file as well')
            [CompletionResult]::new('--api', '--api', [CompletionResultType]::ParameterName, 'Version of the API [default: v2]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give a request this long [default: 1m]')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'Retry a failing request for this long [default: 2m]')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'End the whole run after this long')
            [CompletionResult]::new('--rate-limit', '--rate-limit', [CompletionResultType]::ParameterName, 'At most this many requests a minute [default: 600]')
            [CompletionResult]::new('--max-response-bytes', '--max-response-bytes', [CompletionResultType]::ParameterName, 'Refuse answers greater than this [default: 64MiB]')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Say this much: debug, info, warning, error or critical')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Form of the messages on standard error')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--tz', '--tz', [CompletionResultType]::ParameterName, 'Read and show times in this zone: UTC, local or a name')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'opev;config;path' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Say this much: debug, info, warning, error or critical')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Form of the messages on standard error')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--tz', '--tz', [CompletionResultType]::ParameterName, 'Read and show times in this zone: UTC, local or a name')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'opev;config;init' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Say this much: debug, info, warning, error or critical')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Form of the messages on standard error')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--tz', '--tz', [CompletionResultType]::ParameterName, 'Read and show times in this zone: UTC, local or a name')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace a file that exists')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'opev;completions' {
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Say this much: debug, info, warning, error or critical')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Form of the messages on standard error')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--tz', '--tz', [CompletionResultType]::ParameterName, 'Read and show times in this zone: UTC, local or a name')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; -vv also says every request')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
