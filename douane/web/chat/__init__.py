"""The surface `/api/v1`: chat-workspace imports as Rocket.Chat's programs know them (docs/wire-chat.md)."""
