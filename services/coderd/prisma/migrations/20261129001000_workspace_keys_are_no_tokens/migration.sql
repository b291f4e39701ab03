-- The key that a build hands to its template is no token that the user made: lists of tokens leave it out.
UPDATE "api_keys" SET "login_type" = 'none'
WHERE "login_type" = 'token' AND "token_name" ~ '^workspace-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
