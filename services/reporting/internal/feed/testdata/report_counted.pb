
êDESKWITNESS 