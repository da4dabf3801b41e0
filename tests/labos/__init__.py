"""Tests of the teaching kernel labos: its self tests and workloads on every board there is."""
