-- The user whose session the daemon authenticated with; null for keys. A user's daemons are nobody else's.
ALTER TABLE "provisioner_daemons" ADD COLUMN "user_id" UUID;
ALTER TABLE "provisioner_daemons" ADD CONSTRAINT "provisioner_daemons_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
