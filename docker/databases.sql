-- Run by the image of PostgreSQL when its volume is new.
CREATE DATABASE backend;
CREATE DATABASE auth;
