package mail

import (
	"bytes"
	"embed"
	"fmt"
	html "html/template"
	text "text/template"
	"time"

	"github.com/example/microscanner-frontend/service/token"
)

//go:embed templates
var templates embed.FS

// TokenTerms is what the mail with a token says beside it.
type TokenTerms struct {
	Service  string // the service's URL
	Version  string // of the terms that were accepted
	Accepted time.Time
	Limit    int // scans a day
	// Unused is after how many days a token that was never used is deleted.
	Unused int
}

// TokenMessage is the mail with a token, to an address as ParseAddress returns it.
func TokenMessage(to string, t token.Token, terms TokenTerms) (Message, error) {
	data := struct {
		TokenTerms
		Token, Accepted string
	}{terms, t.Reveal(), terms.Accepted.UTC().Format("2 January 2006, 15:04 UTC")}
	var plain, page bytes.Buffer
	asText, err := text.ParseFS(templates, "templates/token.txt")
	if err == nil {
		err = asText.Execute(&plain, data)
	}
	if err != nil {
		return Message{}, fmt.Errorf("write the mail: %w", err)
	}
	asPage, err := html.ParseFS(templates, "templates/token.html")
	if err == nil {
		err = asPage.Execute(&page, data)
	}
	if err != nil {
		return Message{}, fmt.Errorf("write the mail: %w", err)
	}
	return Message{To: to, Subject: "Your MicroScanner token", Text: plain.String(), HTML: page.String()}, nil
}
