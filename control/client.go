package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
)

// ErrNotRunning says that no agent listens on the socket.
var ErrNotRunning = errors.New("honed is not running")

// Client talks to an agent.
type Client struct {
	path string
	http http.Client
}

// NewClient makes a Client for the agent that listens on a unix socket.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return &Client{path: path, http: http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// Get asks for a document.
func (c *Client) Get(ctx context.Context, path string, query url.Values, document any) error {
	return c.ask(ctx, http.MethodGet, path, query, document)
}

// Post asks the agent to do something.
func (c *Client) Post(ctx context.Context, path string, query url.Values, document any) error {
	return c.ask(ctx, http.MethodPost, path, query, document)
}

// Text asks for plain text.
func (c *Client) Text(ctx context.Context, path string, query url.Values) (string, error) {
	body, err := c.open(ctx, http.MethodGet, path, query)
	if err != nil {
		return "", err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		return "", fmt.Errorf("control: read %s: %w", path, err)
	}
	return string(text), nil
}

// Monitor calls event for each Event until it returns an error, the context ends, whose error it is then, or the agent goes.
func (c *Client) Monitor(ctx context.Context, event func(Event) error) error {
	body, err := c.open(ctx, http.MethodGet, "/v1/monitor", nil)
	if err != nil {
		return err
	}
	defer body.Close()
	lines := json.NewDecoder(body)
	for {
		var e Event
		err := lines.Decode(&e)
		if ctx.Err() != nil {
			return ctx.Err()
		} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("control: read event: %w", err)
		}
		if err := event(e); err != nil {
			return err
		}
	}
}

func (c *Client) ask(ctx context.Context, method, path string, query url.Values, document any) error {
	body, err := c.open(ctx, method, path, query)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(document); err != nil {
		return fmt.Errorf("control: decode %s: %w", path, err)
	}
	return nil
}

func (c *Client) open(ctx context.Context, method, path string, query url.Values) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://honed"+path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("control: ask for %s: %w", path, err)
	}
	answer, err := c.http.Do(request)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("control: connect to %s: %w", c.path, ErrNotRunning)
	} else if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("control: connect to %s: %w: only root may talk to honed", c.path, fs.ErrPermission)
	} else if err != nil {
		return nil, fmt.Errorf("control: ask for %s: %w", path, err)
	}
	if answer.StatusCode < http.StatusBadRequest {
		return answer.Body, nil
	}
	defer answer.Body.Close()
	var failure Error
	if err := json.NewDecoder(answer.Body).Decode(&failure); err != nil || failure.Message == "" {
		failure.Message = answer.Status
	}
	return nil, errors.New(failure.Message)
}
