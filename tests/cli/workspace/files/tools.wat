;; A component, but no command.
(component)
