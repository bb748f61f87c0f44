"""`python -m omnichannel.generate_key`: print a new key for ENCRYPTION_KEYS."""

from cryptography.fernet import Fernet

if __name__ == "__main__":
    print(Fernet.generate_key().decode("ascii"))
