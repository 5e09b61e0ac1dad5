complete --keep-order --exclusive --command opev --arguments "(OPEV_COMPLETE=fish opev -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
