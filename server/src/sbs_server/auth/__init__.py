"""Who is calling: sessions of people, CSRF, and the scope of a request."""
