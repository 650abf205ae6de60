"""Objects by name: a file of a catalogue, or `package.module:name`."""
