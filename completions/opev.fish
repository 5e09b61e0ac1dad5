# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_opev_global_optspecs
    string join \n v/verbose q/quiet log-level= log-format= color= pager= no-pager tz= h/help V/version
end

function __fish_opev_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_opev_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_opev_using_subcommand
    set -l cmd (__fish_opev_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c opev -n "__fish_opev_needs_command" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_needs_command" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_needs_command" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_needs_command" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_needs_command" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_needs_command" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_needs_command" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_needs_command" -s V -l version -d 'Print version'
complete -c opev -n "__fish_opev_needs_command" -f -a "fetch" -d 'Get events once and exit'
complete -c opev -n "__fish_opev_needs_command" -f -a "tail" -d 'Follow new events'
complete -c opev -n "__fish_opev_needs_command" -f -a "show" -d 'Find events by their uuids and show them whole'
complete -c opev -n "__fish_opev_needs_command" -f -a "introspect" -d 'Show what this token may read, according to the service'
complete -c opev -n "__fish_opev_needs_command" -f -a "token-check" -d 'Check whether the token is usable, now and for how long'
complete -c opev -n "__fish_opev_needs_command" -f -a "status" -d 'Show the status of every saved position; a health check for monitors'
complete -c opev -n "__fish_opev_needs_command" -f -a "state" -d 'Carry a saved position to another machine, or forget it'
complete -c opev -n "__fish_opev_needs_command" -f -a "names" -d 'Import, list or forget the names of vaults, items, users and groups'
complete -c opev -n "__fish_opev_needs_command" -f -a "words" -d 'Show what the service\'s codes mean, in plain words'
complete -c opev -n "__fish_opev_needs_command" -f -a "simulate" -d 'A local stand-in of the Events API, for rehearsal and tests'
complete -c opev -n "__fish_opev_needs_command" -f -a "config" -d 'Show, list, edit, locate or create the configuration'
complete -c opev -n "__fish_opev_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c opev -n "__fish_opev_using_subcommand fetch" -s p -l profile -d 'Use this profile of the configuration' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand fetch" -l state-dir -d 'Keep saved positions and locks in this directory' -r -f -a "(__fish_complete_directories)"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l region -d 'The account\'s region: decides the server' -r -f -a "us\t'1password.com'
ca\t'1password.ca'
eu\t'1password.eu'
ent\t'ent.1password.com'"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l base-url -d 'The server, as a host or a URL' -r -f
complete -c opev -n "__fish_opev_using_subcommand fetch" -l allow-host -d 'Let the token go to this host, which is not 1Password\'s' -r -f -a "(__fish_print_hostnames)"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l token-file -d 'Read the token from this file; - is standard input' -r -F
complete -c opev -n "__fish_opev_using_subcommand fetch" -l token-command -d 'Run this shell command and take the token from its output' -r -f -a "(__fish_complete_command)"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l ca-file -d 'Trust the certificates in this PEM file as well' -r -F
complete -c opev -n "__fish_opev_using_subcommand fetch" -l api -d 'Version of the API [default: v2]' -r -f -a "v1\t'What 1Password\'s own collectors speak'
v2\t'What 1Password recommends'
v3\t'A beta, audit events only'"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l timeout -d 'Give a request this long [default: 1m]' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l retry-for -d 'Retry a failing request for this long [default: 2m; tail: 90m]' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l deadline -d 'End the whole run after this long' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l rate-limit -d 'At most this many requests a minute [default: 600]' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l max-response-bytes -d 'Refuse answers greater than this [default: 64MiB]' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l user -d 'Only events with this person, in any role' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l actor -d 'Only events that this person caused' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l ip -d 'Only events from this address or network' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l country -d 'Only events from this country' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l action -d 'Only events in which this was done' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l object -d 'Only audit events about this type of object' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l item -d 'Only events that concern this item' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l vault -d 'Only events that concern this vault' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l group -d 'Only audit events that concern this group' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l device -d 'Only events that concern this device, or were made with it' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l app -d 'Only events that were made with this 1Password app' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l session -d 'Only events of this session' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l grep -d 'Only events whose text matches this regular expression' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l jq -d 'Only events for which this jq filter yields something, or what it yields' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l format -d 'Form of the output: table, record, ndjson, json or csv' -r -f -a "table\t'Columns for people'
ndjson\t'One JSON object a line'
json\t'One JSON array'
csv\t'Columns for spreadsheets'
record\t'All fields of an event, a line each'"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l shape -d 'Schema of an event [default: raw]' -r -f -a "raw\t'The event\'s text as the service sent it'
envelope\t'The same, wrapped with stream, profile, account and time of reading'
ecs\t'Elastic Common Schema, as Elastic\'s integration for 1Password has it'
ocsf\t'Open Cybersecurity Schema Framework 1.8.0'
datadog\t'Logs for Datadog\'s intake'
sentinel\t'Rows of Microsoft Sentinel\'s table OnePasswordEventLogs_CL'
sentinel-stream\t'Input of the data collection rule of that table'
splunk\t'Events for Splunk\'s HTTP Event Collector'
sumo\t'Logs for Sumo Logic and its Cloud SIEM'
cef\t'ArcSight\'s Common Event Format, a line of text an event'
leef\t'QRadar\'s Log Event Extended Format 2.0, a line of text an event'
dnif\t'Events in DNIF\'s field names'"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l tag -d 'Put a tag on every event, as env:production' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l category -d 'Source category of --shape sumo' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l source-name -d 'Source name of --shape sumo' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l ocsf-version -d 'Version of --shape ocsf [default: 1.8.0]' -r -f -a "1.5.0\t'1.5.0'
1.6.0\t'1.6.0'
1.7.0\t'1.7.0'
1.8.0\t'1.8.0'"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l utf8 -d 'What to do in ndjson with bytes that are not UTF-8 [default: keep]' -r -f -a "keep\t'They stay as they are'
replace\t'Each becomes U+FFFD, so that every line is JSON'"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l mask -d 'Replace this field\'s value by [masked]' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l hash -d 'Replace this field\'s value by its keyed hash (HMAC-SHA-256)' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l hash-key-file -d 'The file with the key of --hash' -r -F
complete -c opev -n "__fish_opev_using_subcommand fetch" -l fields -d 'Columns of tables and CSV, separated by commas; help lists them' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -s o -l output -d 'Write to this file; - is standard output' -r -F
complete -c opev -n "__fish_opev_using_subcommand fetch" -l file-mode -d 'Permissions of a new output file, in octal [default: 600]' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l consumer -d 'Keep the position under this name [default: stdout]' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l lock-wait -d 'Wait this long for another run to end' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l exec -d 'Run this command for each batch, with the batch on its standard input' -r -f -a "(__fish_complete_command)"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l post -d 'POST each batch to this URL; @FILE reads the URL from a file' -r -f
complete -c opev -n "__fish_opev_using_subcommand fetch" -l header-file -d 'Headers of --post, one Name: value a line' -r -F
complete -c opev -n "__fish_opev_using_subcommand fetch" -l batch-max -d 'The most events in a batch [default: 1000]' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l batch-bytes -d 'The most bytes in a batch, before compression [default: 5MB, or what the shape\'s intake takes]' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l batch-wait -d 'Deliver a batch that is not full after this long [default: 5s for tail]' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l batch-format -d 'How events follow each other in a batch' -r -f -a "ndjson\t'A line each'
json-array\t'One JSON array'"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l reject-to -d 'Append batches that are rejected to this file, and go on' -r -F
complete -c opev -n "__fish_opev_using_subcommand fetch" -l page-size -d 'Ask for this many events a request, 1 to 1000 [default: 1000]' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l since -d 'Events from this time on [default: 24h]' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l until -d 'Events before this time [default: now]' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l late -d 'How long after --until events may have reached the service [default: 1d]' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l limit -d 'Only the first N events' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l last -d 'Only the newest N events' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l sort -d 'Order of the events' -r -f -a "timeline\t'As they come, all streams merged into one timeline'
time\t'Strictly by timestamp; reads all of them first'"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l jobs -d 'Run this many requests in parallel, 1 to 16' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand fetch" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand fetch" -l trust-clock -d 'Go on where this machine\'s clock and the service\'s are days apart'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l all-profiles -d 'Run for every enabled profile of the configuration'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l no-sessions -d 'Leave out session traffic'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l failed -d 'Only sign-ins that failed'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l succeeded -d 'Only sign-ins that worked'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l names -d 'Add the known names to the envelope'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l no-siem-metadata -d 'Leave out what routes --shape sumo to Cloud SIEM'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l codes -d 'Show codes instead of words'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l wide -d 'Cut nothing in tables on a terminal'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l csv-bom -d 'Begin CSV with a byte order mark'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l resume -d 'Continue from the saved position, and save it as events are delivered'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l accept-gap -d 'Go on although events may be missing'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l batch-gzip -d 'Compress batches with gzip'
complete -c opev -n "__fish_opev_using_subcommand fetch" -s r -l reverse -d 'Newest events first'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l overwrite -d 'Replace an output file that exists'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l fail-if-empty -d 'Exit with 1 when there was no event'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l dry-run -d 'Show what would be requested and written, and stop'
complete -c opev -n "__fish_opev_using_subcommand fetch" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand fetch" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand fetch" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand fetch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand tail" -s p -l profile -d 'Use this profile of the configuration' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand tail" -l state-dir -d 'Keep saved positions and locks in this directory' -r -f -a "(__fish_complete_directories)"
complete -c opev -n "__fish_opev_using_subcommand tail" -l region -d 'The account\'s region: decides the server' -r -f -a "us\t'1password.com'
ca\t'1password.ca'
eu\t'1password.eu'
ent\t'ent.1password.com'"
complete -c opev -n "__fish_opev_using_subcommand tail" -l base-url -d 'The server, as a host or a URL' -r -f
complete -c opev -n "__fish_opev_using_subcommand tail" -l allow-host -d 'Let the token go to this host, which is not 1Password\'s' -r -f -a "(__fish_print_hostnames)"
complete -c opev -n "__fish_opev_using_subcommand tail" -l token-file -d 'Read the token from this file; - is standard input' -r -F
complete -c opev -n "__fish_opev_using_subcommand tail" -l token-command -d 'Run this shell command and take the token from its output' -r -f -a "(__fish_complete_command)"
complete -c opev -n "__fish_opev_using_subcommand tail" -l ca-file -d 'Trust the certificates in this PEM file as well' -r -F
complete -c opev -n "__fish_opev_using_subcommand tail" -l api -d 'Version of the API [default: v2]' -r -f -a "v1\t'What 1Password\'s own collectors speak'
v2\t'What 1Password recommends'
v3\t'A beta, audit events only'"
complete -c opev -n "__fish_opev_using_subcommand tail" -l timeout -d 'Give a request this long [default: 1m]' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l retry-for -d 'Retry a failing request for this long [default: 2m; tail: 90m]' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l deadline -d 'End the whole run after this long' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l rate-limit -d 'At most this many requests a minute [default: 600]' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l max-response-bytes -d 'Refuse answers greater than this [default: 64MiB]' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l user -d 'Only events with this person, in any role' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l actor -d 'Only events that this person caused' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l ip -d 'Only events from this address or network' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l country -d 'Only events from this country' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l action -d 'Only events in which this was done' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l object -d 'Only audit events about this type of object' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l item -d 'Only events that concern this item' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l vault -d 'Only events that concern this vault' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l group -d 'Only audit events that concern this group' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l device -d 'Only events that concern this device, or were made with it' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l app -d 'Only events that were made with this 1Password app' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l session -d 'Only events of this session' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l grep -d 'Only events whose text matches this regular expression' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l jq -d 'Only events for which this jq filter yields something, or what it yields' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l format -d 'Form of the output: table, record, ndjson, json or csv' -r -f -a "table\t'Columns for people'
ndjson\t'One JSON object a line'
json\t'One JSON array'
csv\t'Columns for spreadsheets'
record\t'All fields of an event, a line each'"
complete -c opev -n "__fish_opev_using_subcommand tail" -l shape -d 'Schema of an event [default: raw]' -r -f -a "raw\t'The event\'s text as the service sent it'
envelope\t'The same, wrapped with stream, profile, account and time of reading'
ecs\t'Elastic Common Schema, as Elastic\'s integration for 1Password has it'
ocsf\t'Open Cybersecurity Schema Framework 1.8.0'
datadog\t'Logs for Datadog\'s intake'
sentinel\t'Rows of Microsoft Sentinel\'s table OnePasswordEventLogs_CL'
sentinel-stream\t'Input of the data collection rule of that table'
splunk\t'Events for Splunk\'s HTTP Event Collector'
sumo\t'Logs for Sumo Logic and its Cloud SIEM'
cef\t'ArcSight\'s Common Event Format, a line of text an event'
leef\t'QRadar\'s Log Event Extended Format 2.0, a line of text an event'
dnif\t'Events in DNIF\'s field names'"
complete -c opev -n "__fish_opev_using_subcommand tail" -l tag -d 'Put a tag on every event, as env:production' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l category -d 'Source category of --shape sumo' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l source-name -d 'Source name of --shape sumo' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l ocsf-version -d 'Version of --shape ocsf [default: 1.8.0]' -r -f -a "1.5.0\t'1.5.0'
1.6.0\t'1.6.0'
1.7.0\t'1.7.0'
1.8.0\t'1.8.0'"
complete -c opev -n "__fish_opev_using_subcommand tail" -l utf8 -d 'What to do in ndjson with bytes that are not UTF-8 [default: keep]' -r -f -a "keep\t'They stay as they are'
replace\t'Each becomes U+FFFD, so that every line is JSON'"
complete -c opev -n "__fish_opev_using_subcommand tail" -l mask -d 'Replace this field\'s value by [masked]' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l hash -d 'Replace this field\'s value by its keyed hash (HMAC-SHA-256)' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l hash-key-file -d 'The file with the key of --hash' -r -F
complete -c opev -n "__fish_opev_using_subcommand tail" -l fields -d 'Columns of tables and CSV, separated by commas; help lists them' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -s o -l output -d 'Write to this file; - is standard output' -r -F
complete -c opev -n "__fish_opev_using_subcommand tail" -l file-mode -d 'Permissions of a new output file, in octal [default: 600]' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l consumer -d 'Keep the position under this name [default: stdout]' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l lock-wait -d 'Wait this long for another run to end' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l exec -d 'Run this command for each batch, with the batch on its standard input' -r -f -a "(__fish_complete_command)"
complete -c opev -n "__fish_opev_using_subcommand tail" -l post -d 'POST each batch to this URL; @FILE reads the URL from a file' -r -f
complete -c opev -n "__fish_opev_using_subcommand tail" -l header-file -d 'Headers of --post, one Name: value a line' -r -F
complete -c opev -n "__fish_opev_using_subcommand tail" -l batch-max -d 'The most events in a batch [default: 1000]' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l batch-bytes -d 'The most bytes in a batch, before compression [default: 5MB, or what the shape\'s intake takes]' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l batch-wait -d 'Deliver a batch that is not full after this long [default: 5s for tail]' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l batch-format -d 'How events follow each other in a batch' -r -f -a "ndjson\t'A line each'
json-array\t'One JSON array'"
complete -c opev -n "__fish_opev_using_subcommand tail" -l reject-to -d 'Append batches that are rejected to this file, and go on' -r -F
complete -c opev -n "__fish_opev_using_subcommand tail" -l page-size -d 'Ask for this many events a request, 1 to 1000 [default: 1000]' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -s n -l lines -d 'Begin with the last N events, of all streams together [default: 10]' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l since -d 'Begin with the events from this time on' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l interval -d 'Look for new events this often, 1s at least [default: 30s]' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l for -d 'End after this long, with 0' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l highlight -d 'Highlight what matches this regular expression' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l health-file -d 'Write a JSON line here whenever a stream\'s state changes; - is stderr' -r -F
complete -c opev -n "__fish_opev_using_subcommand tail" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand tail" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand tail" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand tail" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand tail" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand tail" -l trust-clock -d 'Go on where this machine\'s clock and the service\'s are days apart'
complete -c opev -n "__fish_opev_using_subcommand tail" -l all-profiles -d 'Run for every enabled profile of the configuration'
complete -c opev -n "__fish_opev_using_subcommand tail" -l no-sessions -d 'Leave out session traffic'
complete -c opev -n "__fish_opev_using_subcommand tail" -l failed -d 'Only sign-ins that failed'
complete -c opev -n "__fish_opev_using_subcommand tail" -l succeeded -d 'Only sign-ins that worked'
complete -c opev -n "__fish_opev_using_subcommand tail" -l names -d 'Add the known names to the envelope'
complete -c opev -n "__fish_opev_using_subcommand tail" -l no-siem-metadata -d 'Leave out what routes --shape sumo to Cloud SIEM'
complete -c opev -n "__fish_opev_using_subcommand tail" -l codes -d 'Show codes instead of words'
complete -c opev -n "__fish_opev_using_subcommand tail" -l wide -d 'Cut nothing in tables on a terminal'
complete -c opev -n "__fish_opev_using_subcommand tail" -l csv-bom -d 'Begin CSV with a byte order mark'
complete -c opev -n "__fish_opev_using_subcommand tail" -l resume -d 'Continue from the saved position, and save it as events are delivered'
complete -c opev -n "__fish_opev_using_subcommand tail" -l accept-gap -d 'Go on although events may be missing'
complete -c opev -n "__fish_opev_using_subcommand tail" -l batch-gzip -d 'Compress batches with gzip'
complete -c opev -n "__fish_opev_using_subcommand tail" -l no-follow -d 'Show the events that there are, and do not wait for more'
complete -c opev -n "__fish_opev_using_subcommand tail" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand tail" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand tail" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand tail" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand show" -s p -l profile -d 'Use this profile of the configuration' -r
complete -c opev -n "__fish_opev_using_subcommand show" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand show" -l state-dir -d 'Keep saved positions and locks in this directory' -r -f -a "(__fish_complete_directories)"
complete -c opev -n "__fish_opev_using_subcommand show" -l region -d 'The account\'s region: decides the server' -r -f -a "us\t'1password.com'
ca\t'1password.ca'
eu\t'1password.eu'
ent\t'ent.1password.com'"
complete -c opev -n "__fish_opev_using_subcommand show" -l base-url -d 'The server, as a host or a URL' -r -f
complete -c opev -n "__fish_opev_using_subcommand show" -l allow-host -d 'Let the token go to this host, which is not 1Password\'s' -r -f -a "(__fish_print_hostnames)"
complete -c opev -n "__fish_opev_using_subcommand show" -l token-file -d 'Read the token from this file; - is standard input' -r -F
complete -c opev -n "__fish_opev_using_subcommand show" -l token-command -d 'Run this shell command and take the token from its output' -r -f -a "(__fish_complete_command)"
complete -c opev -n "__fish_opev_using_subcommand show" -l ca-file -d 'Trust the certificates in this PEM file as well' -r -F
complete -c opev -n "__fish_opev_using_subcommand show" -l api -d 'Version of the API [default: v2]' -r -f -a "v1\t'What 1Password\'s own collectors speak'
v2\t'What 1Password recommends'
v3\t'A beta, audit events only'"
complete -c opev -n "__fish_opev_using_subcommand show" -l timeout -d 'Give a request this long [default: 1m]' -r
complete -c opev -n "__fish_opev_using_subcommand show" -l retry-for -d 'Retry a failing request for this long [default: 2m; tail: 90m]' -r
complete -c opev -n "__fish_opev_using_subcommand show" -l deadline -d 'End the whole run after this long' -r
complete -c opev -n "__fish_opev_using_subcommand show" -l rate-limit -d 'At most this many requests a minute [default: 600]' -r
complete -c opev -n "__fish_opev_using_subcommand show" -l max-response-bytes -d 'Refuse answers greater than this [default: 64MiB]' -r
complete -c opev -n "__fish_opev_using_subcommand show" -l since -d 'Look for them from this time on [default: 7d]' -r
complete -c opev -n "__fish_opev_using_subcommand show" -l until -d 'Look for them before this time [default: now]' -r
complete -c opev -n "__fish_opev_using_subcommand show" -l format -d 'Form of the output: record, table, ndjson, json or csv [default: record]' -r -f -a "table\t'Columns for people'
ndjson\t'One JSON object a line'
json\t'One JSON array'
csv\t'Columns for spreadsheets'
record\t'All fields of an event, a line each'"
complete -c opev -n "__fish_opev_using_subcommand show" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand show" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand show" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand show" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand show" -l trust-clock -d 'Go on where this machine\'s clock and the service\'s are days apart'
complete -c opev -n "__fish_opev_using_subcommand show" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand show" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand show" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand introspect" -s p -l profile -d 'Use this profile of the configuration' -r
complete -c opev -n "__fish_opev_using_subcommand introspect" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand introspect" -l state-dir -d 'Keep saved positions and locks in this directory' -r -f -a "(__fish_complete_directories)"
complete -c opev -n "__fish_opev_using_subcommand introspect" -l region -d 'The account\'s region: decides the server' -r -f -a "us\t'1password.com'
ca\t'1password.ca'
eu\t'1password.eu'
ent\t'ent.1password.com'"
complete -c opev -n "__fish_opev_using_subcommand introspect" -l base-url -d 'The server, as a host or a URL' -r -f
complete -c opev -n "__fish_opev_using_subcommand introspect" -l allow-host -d 'Let the token go to this host, which is not 1Password\'s' -r -f -a "(__fish_print_hostnames)"
complete -c opev -n "__fish_opev_using_subcommand introspect" -l token-file -d 'Read the token from this file; - is standard input' -r -F
complete -c opev -n "__fish_opev_using_subcommand introspect" -l token-command -d 'Run this shell command and take the token from its output' -r -f -a "(__fish_complete_command)"
complete -c opev -n "__fish_opev_using_subcommand introspect" -l ca-file -d 'Trust the certificates in this PEM file as well' -r -F
complete -c opev -n "__fish_opev_using_subcommand introspect" -l api -d 'Version of the API [default: v2]' -r -f -a "v1\t'What 1Password\'s own collectors speak'
v2\t'What 1Password recommends'
v3\t'A beta, audit events only'"
complete -c opev -n "__fish_opev_using_subcommand introspect" -l timeout -d 'Give a request this long [default: 1m]' -r
complete -c opev -n "__fish_opev_using_subcommand introspect" -l retry-for -d 'Retry a failing request for this long [default: 2m; tail: 90m]' -r
complete -c opev -n "__fish_opev_using_subcommand introspect" -l deadline -d 'End the whole run after this long' -r
complete -c opev -n "__fish_opev_using_subcommand introspect" -l rate-limit -d 'At most this many requests a minute [default: 600]' -r
complete -c opev -n "__fish_opev_using_subcommand introspect" -l max-response-bytes -d 'Refuse answers greater than this [default: 64MiB]' -r
complete -c opev -n "__fish_opev_using_subcommand introspect" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand introspect" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand introspect" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand introspect" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand introspect" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand introspect" -l trust-clock -d 'Go on where this machine\'s clock and the service\'s are days apart'
complete -c opev -n "__fish_opev_using_subcommand introspect" -l json -d 'Print one JSON object'
complete -c opev -n "__fish_opev_using_subcommand introspect" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand introspect" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand introspect" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand introspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand token-check" -s p -l profile -d 'Use this profile of the configuration' -r
complete -c opev -n "__fish_opev_using_subcommand token-check" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand token-check" -l state-dir -d 'Keep saved positions and locks in this directory' -r -f -a "(__fish_complete_directories)"
complete -c opev -n "__fish_opev_using_subcommand token-check" -l region -d 'The account\'s region: decides the server' -r -f -a "us\t'1password.com'
ca\t'1password.ca'
eu\t'1password.eu'
ent\t'ent.1password.com'"
complete -c opev -n "__fish_opev_using_subcommand token-check" -l base-url -d 'The server, as a host or a URL' -r -f
complete -c opev -n "__fish_opev_using_subcommand token-check" -l allow-host -d 'Let the token go to this host, which is not 1Password\'s' -r -f -a "(__fish_print_hostnames)"
complete -c opev -n "__fish_opev_using_subcommand token-check" -l token-file -d 'Read the token from this file; - is standard input' -r -F
complete -c opev -n "__fish_opev_using_subcommand token-check" -l token-command -d 'Run this shell command and take the token from its output' -r -f -a "(__fish_complete_command)"
complete -c opev -n "__fish_opev_using_subcommand token-check" -l ca-file -d 'Trust the certificates in this PEM file as well' -r -F
complete -c opev -n "__fish_opev_using_subcommand token-check" -l api -d 'Version of the API [default: v2]' -r -f -a "v1\t'What 1Password\'s own collectors speak'
v2\t'What 1Password recommends'
v3\t'A beta, audit events only'"
complete -c opev -n "__fish_opev_using_subcommand token-check" -l timeout -d 'Give a request this long [default: 1m]' -r
complete -c opev -n "__fish_opev_using_subcommand token-check" -l retry-for -d 'Retry a failing request for this long [default: 2m; tail: 90m]' -r
complete -c opev -n "__fish_opev_using_subcommand token-check" -l deadline -d 'End the whole run after this long' -r
complete -c opev -n "__fish_opev_using_subcommand token-check" -l rate-limit -d 'At most this many requests a minute [default: 600]' -r
complete -c opev -n "__fish_opev_using_subcommand token-check" -l max-response-bytes -d 'Refuse answers greater than this [default: 64MiB]' -r
complete -c opev -n "__fish_opev_using_subcommand token-check" -l min-days -d 'Exit with 1 when the token expires within this many days' -r
complete -c opev -n "__fish_opev_using_subcommand token-check" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand token-check" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand token-check" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand token-check" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand token-check" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand token-check" -l trust-clock -d 'Go on where this machine\'s clock and the service\'s are days apart'
complete -c opev -n "__fish_opev_using_subcommand token-check" -l all-profiles -d 'Check every enabled profile of the configuration'
complete -c opev -n "__fish_opev_using_subcommand token-check" -l offline -d 'Look at the token alone; send nothing'
complete -c opev -n "__fish_opev_using_subcommand token-check" -l sample -d 'Print the newest event of each stream'
complete -c opev -n "__fish_opev_using_subcommand token-check" -l json -d 'Print JSON: one object, or an array of them with --all-profiles'
complete -c opev -n "__fish_opev_using_subcommand token-check" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand token-check" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand token-check" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand token-check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand status" -s p -l profile -d 'The positions of this profile' -r
complete -c opev -n "__fish_opev_using_subcommand status" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand status" -l state-dir -d 'Look in this state directory' -r -f -a "(__fish_complete_directories)"
complete -c opev -n "__fish_opev_using_subcommand status" -l max-age -d 'How old the position of a fetch may be [default: 1d]' -r
complete -c opev -n "__fish_opev_using_subcommand status" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand status" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand status" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand status" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand status" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand status" -l all-profiles -d 'Look at every enabled profile of the configuration'
complete -c opev -n "__fish_opev_using_subcommand status" -l json -d 'Print one JSON object'
complete -c opev -n "__fish_opev_using_subcommand status" -l check -d 'Exit with 1 when something is late or in error'
complete -c opev -n "__fish_opev_using_subcommand status" -l verify -d 'Read the managed files and compare them with what was delivered'
complete -c opev -n "__fish_opev_using_subcommand status" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand status" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand status" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand state; and not __fish_seen_subcommand_from export import reset" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand state; and not __fish_seen_subcommand_from export import reset" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand state; and not __fish_seen_subcommand_from export import reset" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand state; and not __fish_seen_subcommand_from export import reset" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand state; and not __fish_seen_subcommand_from export import reset" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand state; and not __fish_seen_subcommand_from export import reset" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand state; and not __fish_seen_subcommand_from export import reset" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand state; and not __fish_seen_subcommand_from export import reset" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand state; and not __fish_seen_subcommand_from export import reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand state; and not __fish_seen_subcommand_from export import reset" -f -a "export" -d 'Print saved positions as JSON, to go on from on another machine'
complete -c opev -n "__fish_opev_using_subcommand state; and not __fish_seen_subcommand_from export import reset" -f -a "import" -d 'Save exported positions here'
complete -c opev -n "__fish_opev_using_subcommand state; and not __fish_seen_subcommand_from export import reset" -f -a "reset" -d 'Forget a saved position; the output is not touched'
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from export" -s p -l profile -d 'The positions of this profile' -r
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from export" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from export" -l state-dir -d 'Look in this state directory' -r -f -a "(__fish_complete_directories)"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from export" -l consumer -d 'The position of this consumer' -r
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from export" -s o -l output -d 'The position of this managed file' -r -F
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from export" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from export" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from export" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from export" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from export" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from export" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from export" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from import" -s o -l output -d 'The path of the managed file on this machine' -r -F
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from import" -s p -l profile -d 'The positions of this profile' -r
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from import" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from import" -l state-dir -d 'Look in this state directory' -r -f -a "(__fish_complete_directories)"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from import" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from import" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from import" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from import" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from import" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from import" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from import" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -s p -l profile -d 'The positions of this profile' -r
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -l state-dir -d 'Look in this state directory' -r -f -a "(__fish_complete_directories)"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -l consumer -d 'The position of this consumer' -r
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -s o -l output -d 'The position of this managed file' -r -F
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -s y -l yes -d 'Do not ask'
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand state; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand names; and not __fish_seen_subcommand_from import list forget" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand names; and not __fish_seen_subcommand_from import list forget" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand names; and not __fish_seen_subcommand_from import list forget" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand names; and not __fish_seen_subcommand_from import list forget" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand names; and not __fish_seen_subcommand_from import list forget" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand names; and not __fish_seen_subcommand_from import list forget" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand names; and not __fish_seen_subcommand_from import list forget" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand names; and not __fish_seen_subcommand_from import list forget" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand names; and not __fish_seen_subcommand_from import list forget" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand names; and not __fish_seen_subcommand_from import list forget" -f -a "import" -d 'Keep the names that op prints with --format json'
complete -c opev -n "__fish_opev_using_subcommand names; and not __fish_seen_subcommand_from import list forget" -f -a "list" -d 'List the names that were imported'
complete -c opev -n "__fish_opev_using_subcommand names; and not __fish_seen_subcommand_from import list forget" -f -a "forget" -d 'Forget all imported names of the profile'
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from import" -l kind -d 'What the objects are, where their keys do not say' -r -f -a "vault\t'Vaults'
item\t'Items'
user\t'Users'
group\t'Groups'"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from import" -s p -l profile -d 'The positions of this profile' -r
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from import" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from import" -l state-dir -d 'Look in this state directory' -r -f -a "(__fish_complete_directories)"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from import" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from import" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from import" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from import" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from import" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from import" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from import" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from list" -s p -l profile -d 'The positions of this profile' -r
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from list" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from list" -l state-dir -d 'Look in this state directory' -r -f -a "(__fish_complete_directories)"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from list" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from list" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from list" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from list" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from list" -l json -d 'Print a JSON array'
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from list" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from forget" -s p -l profile -d 'The positions of this profile' -r
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from forget" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from forget" -l state-dir -d 'Look in this state directory' -r -f -a "(__fish_complete_directories)"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from forget" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from forget" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from forget" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from forget" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from forget" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from forget" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from forget" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from forget" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand names; and __fish_seen_subcommand_from forget" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand words" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand words" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand words" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand words" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand words" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand words" -l json -d 'Print a JSON array'
complete -c opev -n "__fish_opev_using_subcommand words" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand words" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand words" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand words" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand simulate" -l port -d 'Port on 127.0.0.1' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l announce -d 'How to say where it listens' -r -f -a "text\t'For people'
env\t'Lines for a shell\'s `eval`'
json\t'One object on one line'"
complete -c opev -n "__fish_opev_using_subcommand simulate" -l token-file -d 'Write the token to a file' -r -F
complete -c opev -n "__fish_opev_using_subcommand simulate" -l log -d 'Add a line of JSON to a file for every request' -r -F
complete -c opev -n "__fish_opev_using_subcommand simulate" -l data -d 'Serve events from NDJSON files' -r -F
complete -c opev -n "__fish_opev_using_subcommand simulate" -l events -d 'How many events there are, in all streams together' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l seed -d 'Which company: the same number brings the same events' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l days -d 'Over how many days before now the events lie' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l rhythm -d 'How the events lie over those days' -r -f -a "office\t'In office hours most of all'
even\t'At every hour alike'"
complete -c opev -n "__fish_opev_using_subcommand simulate" -l live -d 'New events a second, from the start on' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l live-from -d 'When --live began, if not now (RFC 3339)' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l at -d 'Stand still at this time (RFC 3339)' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l features -d 'Streams that the token grants, separated by commas' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l expires-in -d 'Seconds to the token\'s expiry; negative: it has expired' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l audience -d 'The token\'s audience, in place of 127.0.0.1:PORT' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l bounds -d 'Which bounds of a range belong to it' -r -f -a "closed\t'Start and end'
closed-open\t'The start alone'
open-closed\t'The end alone'
open\t'Neither'"
complete -c opev -n "__fish_opev_using_subcommand simulate" -l filter -d 'Which time of an event a range is about' -r -f -a "event\t'When it happened'
arrival\t'When it reached the service'"
complete -c opev -n "__fish_opev_using_subcommand simulate" -l keys -d 'Which key of an answer comes first' -r -f -a "cursor\t'`cursor`, then `has_more` and `items`, as seen'
items\t'`items`, then `has_more` and `cursor`, as documented'"
complete -c opev -n "__fish_opev_using_subcommand simulate" -l user-type -d 'What a v2 user object calls the user\'s type' -r -f -a "user_type\t'As documented'
type\t'As seen'"
complete -c opev -n "__fish_opev_using_subcommand simulate" -l errors -d 'The shape of an error\'s body' -r -f -a "version\t'Nested for v1, flat for the others'
nested\t'{"Error":{"Message":...}}'
flat\t'{"status":...,"message":...}'"
complete -c opev -n "__fish_opev_using_subcommand simulate" -l repeat-when-followed -d 'This many last events come again on the next poll' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l cursor-with-range -d 'What is answered to a cursor together with a limit or a time' -r -f -a "refused\t'400'
cursor\t'The cursor counts, the other fields are ignored'
range\t'The other fields count, the cursor is ignored'"
complete -c opev -n "__fish_opev_using_subcommand simulate" -l fault -d 'Spoil answers; may be given several times' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l latency -d 'How long each answer takes: 100ms, or 100ms+50ms with chance' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l rate-limit -d 'Answer 429 beyond this: 600 a minute, or 600,30000 with the hour' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand simulate" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand simulate" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand simulate" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand simulate" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand simulate" -l assert -d 'Exit with 1 if a client broke a rule'
complete -c opev -n "__fish_opev_using_subcommand simulate" -l one-at-a-time -d 'Take two requests under way on one stream for a broken rule'
complete -c opev -n "__fish_opev_using_subcommand simulate" -l hostile -d 'Sprinkle values that are valid JSON and hard to bear'
complete -c opev -n "__fish_opev_using_subcommand simulate" -l repeats -d 'Send two in a thousand events twice'
complete -c opev -n "__fish_opev_using_subcommand simulate" -l cursor-forgets-end -d 'The cursor of a range with an end forgets that end'
complete -c opev -n "__fish_opev_using_subcommand simulate" -l no-empty-page -d 'Never say has_more: true before an empty page'
complete -c opev -n "__fish_opev_using_subcommand simulate" -l accept-null -d 'Take a field that is null for one that is absent'
complete -c opev -n "__fish_opev_using_subcommand simulate" -l accept-float -d 'Take 1.0 for 1'
complete -c opev -n "__fish_opev_using_subcommand simulate" -l gzip -d 'Compress answers for clients that accept gzip'
complete -c opev -n "__fish_opev_using_subcommand simulate" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand simulate" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand simulate" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand simulate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -f -a "show" -d 'Print every value in force and where it comes from'
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -f -a "list" -d 'List the profiles: server, token, expiry, last poll'
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -f -a "edit" -d 'Edit the configuration file with $VISUAL or $EDITOR'
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -f -a "path" -d 'Print the path of the configuration file'
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -f -a "init" -d 'Write a commented configuration file'
complete -c opev -n "__fish_opev_using_subcommand config; and not __fish_seen_subcommand_from show list edit path init import-sumo" -f -a "import-sumo" -d 'Turn a Sumo Logic source\'s JSON into a profile'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -s p -l profile -d 'Use this profile of the configuration' -r
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l state-dir -d 'Keep saved positions and locks in this directory' -r -f -a "(__fish_complete_directories)"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l region -d 'The account\'s region: decides the server' -r -f -a "us\t'1password.com'
ca\t'1password.ca'
eu\t'1password.eu'
ent\t'ent.1password.com'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l base-url -d 'The server, as a host or a URL' -r -f
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l allow-host -d 'Let the token go to this host, which is not 1Password\'s' -r -f -a "(__fish_print_hostnames)"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l token-file -d 'Read the token from this file; - is standard input' -r -F
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l token-command -d 'Run this shell command and take the token from its output' -r -f -a "(__fish_complete_command)"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l ca-file -d 'Trust the certificates in this PEM file as well' -r -F
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l api -d 'Version of the API [default: v2]' -r -f -a "v1\t'What 1Password\'s own collectors speak'
v2\t'What 1Password recommends'
v3\t'A beta, audit events only'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l timeout -d 'Give a request this long [default: 1m]' -r
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l retry-for -d 'Retry a failing request for this long [default: 2m; tail: 90m]' -r
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l deadline -d 'End the whole run after this long' -r
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l rate-limit -d 'At most this many requests a minute [default: 600]' -r
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l max-response-bytes -d 'Refuse answers greater than this [default: 64MiB]' -r
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l trust-clock -d 'Go on where this machine\'s clock and the service\'s are days apart'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'Print one JSON object'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from list" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from list" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from list" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from list" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from list" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: an array of one object a profile'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from list" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from edit" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from edit" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from edit" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from edit" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from edit" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from edit" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from edit" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from edit" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from edit" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from edit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from path" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from path" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from path" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from path" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from path" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from path" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from path" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from path" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from path" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from init" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from init" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from init" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from init" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from init" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from init" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from init" -l force -d 'Replace a file that exists'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from init" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from init" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from init" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from import-sumo" -l config -d 'Read this configuration file' -r -F
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from import-sumo" -s p -l profile -d 'Give the profile this name' -r
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from import-sumo" -l token-to -d 'Put the source\'s token into this file, readable by you alone' -r -F
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from import-sumo" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from import-sumo" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from import-sumo" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from import-sumo" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from import-sumo" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from import-sumo" -l write -d 'Add the profile to the configuration file'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from import-sumo" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from import-sumo" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from import-sumo" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand config; and __fish_seen_subcommand_from import-sumo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c opev -n "__fish_opev_using_subcommand completions" -l log-level -d 'Say this much: debug, info, warning, error or critical' -r -f -a "critical\t'Only why the run failed'
error\t'Errors'
warning\t'And warnings'
info\t'And what is done'
debug\t'And every request'"
complete -c opev -n "__fish_opev_using_subcommand completions" -l log-format -d 'Form of the messages on standard error' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c opev -n "__fish_opev_using_subcommand completions" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand completions" -l pager -d 'When answers on a terminal go through a pager' -r -f -a "auto\t'On a terminal, where there is one'
never\t'Never'"
complete -c opev -n "__fish_opev_using_subcommand completions" -l tz -d 'Read and show times in this zone: UTC, local or a name' -r
complete -c opev -n "__fish_opev_using_subcommand completions" -s v -l verbose -d 'Say what is done; -vv also says every request'
complete -c opev -n "__fish_opev_using_subcommand completions" -s q -l quiet -d 'Say nothing but errors'
complete -c opev -n "__fish_opev_using_subcommand completions" -l no-pager -d 'The same as --pager never'
complete -c opev -n "__fish_opev_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
