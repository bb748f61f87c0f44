"""Where everything answers, and where the channel and the desk are joined."""

from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
