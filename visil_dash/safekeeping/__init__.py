"""Health checks with repairs, and backups that can be verified and restored"""
