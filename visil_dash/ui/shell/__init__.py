"""What every page uses: session state, caches, tasks, uploads, widgets, errors, links."""
