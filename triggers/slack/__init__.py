"""Slack, two ways: incidents told in threads, questions and feedback back."""
