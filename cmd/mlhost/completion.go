package main

import (
	_ "embed"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// completionBash is our own: cobra's needs the package bash-completion, is wrong
// for names with a colon, and executes what is typed, $(…) included.
//
//go:embed completion.bash
var completionBash string

const completionBashText = `
Write the completion script for bash; it needs no other package. For one shell:

	source <(mlhost completion bash)

For all new ones:

	mlhost completion bash > ~/.local/share/bash-completion/completions/mlhost

where the package bash-completion is installed, else in ~/.bashrc:

	source <(mlhost completion bash)`

// completions adds the verb that writes the scripts for the shells.
func completions(root *cobra.Command, stdout io.Writer) {
	root.InitDefaultCompletionCmd()
	bash, _, err := root.Find([]string{"completion", "bash"})
	if err != nil || bash.Name() != "bash" {
		return // cobra has named it otherwise, and writes its own
	}
	bash.Long = strings.TrimSpace(completionBashText)
	bash.RunE = func(cmd *cobra.Command, _ []string) error {
		text := completionBash
		if plain, err := cmd.Flags().GetBool("no-descriptions"); err == nil && plain {
			text = strings.ReplaceAll(text, " __complete ", " __completeNoDesc ")
		}
		_, err := io.WriteString(stdout, text)
		return err
	}
}
